"""CloudEvents 1.0 as plain mappings: what makes one, and the errors of what is none.

Source: CloudEvents 1.0.2, sections "Context Attributes" and "Event Data".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

import msgspec

from maestro_workflow_engine._errors import WorkflowError

SPEC_VERSION = "1.0"
_REQUIRED = ("id", "source", "type")
_TEXTS = (*_REQUIRED, "specversion", "subject", "datacontenttype", "dataschema", "time")
_NAME = re.compile(r"[a-z0-9]+")
_SMALLEST, _LARGEST = -(2**31), 2**31 - 1


class CloudEventError(WorkflowError, ValueError):
    """Something is no CloudEvent.

    Attributes:
        attribute: The attribute at fault; empty when it is the event as a whole.
        reason: What is wrong with it.
    """

    code: ClassVar[str] = "EVENT_INVALID"

    def __init__(self, attribute: str, reason: str) -> None:
        super().__init__(attribute, reason)
        self.attribute = attribute
        self.reason = reason

    def __str__(self) -> str:
        """Return one readable line."""
        return f"event attribute {self.attribute!r} {self.reason}" if self.attribute else f"the event {self.reason}"


def cloud_event(event: Mapping[str, Any]) -> dict[str, Any]:
    """Check an event and return it in its JSON form.

    Args:
        event: Its attributes by name, and `data` or `data_base64`. Without `specversion` it is "1.0".

    Returns:
        The event as JSON values, `specversion` first.

    Raises:
        CloudEventError: An attribute is missing or wrong.
    """
    if not isinstance(event, Mapping):
        raise CloudEventError("", "must be a mapping of attributes")
    if event.get("specversion", SPEC_VERSION) != SPEC_VERSION:
        raise CloudEventError("specversion", f"must be {SPEC_VERSION!r}, not {event['specversion']!r}")
    if "data" in event and "data_base64" in event:
        raise CloudEventError("data_base64", "does not go together with 'data'")
    checked: dict[str, Any] = {"specversion": SPEC_VERSION}
    for name, value in event.items():
        if name not in {"data", "data_base64"}:
            if value is None:  # as if it were not there: CloudEvents JSON format, section 2.2
                continue
            _check(name, value)
        checked[name] = value
    for name in _REQUIRED:
        if name not in checked:
            raise CloudEventError(name, "is missing")
    if not isinstance(checked.get("data_base64", ""), str):
        raise CloudEventError("data_base64", "must be base64 text")
    return _plain(checked)


def _plain(checked: dict[str, Any]) -> dict[str, Any]:
    try:
        plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(checked))
    except (TypeError, ValueError, msgspec.MsgspecError, RecursionError) as error:
        raise CloudEventError("data", f"has no JSON form: {error}") from error
    return plain


def _check(name: str, value: Any) -> None:
    if not _NAME.fullmatch(name):
        raise CloudEventError(str(name), "is no attribute name: use lower-case letters and digits")
    if name in _TEXTS:
        if not isinstance(value, str) or not value:
            raise CloudEventError(name, "must be text that is not empty")
        if name == "time":
            _check_time(value)
    elif isinstance(value, bool | str):
        return
    elif not isinstance(value, int) or not _SMALLEST <= value <= _LARGEST:
        raise CloudEventError(name, "must be text, true, false or a whole number of 32 bits")


def _check_time(value: str) -> None:
    try:
        found = datetime.fromisoformat(value)
    except ValueError as error:
        raise CloudEventError("time", f"must be an RFC 3339 time, not {value!r}") from error
    if found.tzinfo is None:
        raise CloudEventError("time", f"must have a time zone, unlike {value!r}")
