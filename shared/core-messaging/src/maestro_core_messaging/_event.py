"""An event, and how it is written: CloudEvents 1.0, structured, in JSON.

Specification: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final, Generic, TypeVar

from cloudevents.core.exceptions import BaseCloudEventException
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from maestro_core_messaging._errors import InvalidEventError, UnreadableEventError
from maestro_core_messaging._event_type import version_in

CONTENT_TYPE: Final = JSONFormat.CONTENT_TYPE
_FORMAT: Final = JSONFormat()
_KEY: Final = "partitionkey"
"""The CloudEvents extension "Partitioning"."""
_OWN: Final = frozenset(
    {"specversion", "id", "source", "type", "time", "subject", "dataschema", "datacontenttype", _KEY, "data"}
)

D = TypeVar("D")
E = TypeVar("E")


@dataclass(frozen=True)
class Event(Generic[D]):
    """Something that has happened, told by the service where it did."""

    id: str
    """Unique within its source."""
    source: str
    """Who tells it: `/<service>`."""
    type: str
    """What kind: `maestro.<service>.<event>`."""
    data: D
    """The data; of the subscriber's type, or JSON values for a subscriber to subjects."""
    time: datetime | None = None
    """When it happened; aware."""
    subject: str | None = None
    """What it is about, within the source. Not the subject that it is published on."""
    key: str | None = None
    """Events with the same key stay in order. CloudEvents' `partitionkey`."""
    dataschema: str | None = None
    """Names the schema of the data and its version."""
    extensions: Mapping[str, str] = field(default_factory=dict)
    """Further attributes, `traceparent` among them."""

    @property
    def version(self) -> int | None:
        """Version of the data's type; None when the event does not say."""
        return version_in(self.dataschema)

    @property
    def identity(self) -> str:
        """What makes it the same event when it comes again: its source and its id."""
        return f"{self.source}#{self.id}"

    def with_data(self, data: E, dataschema: str | None) -> "Event[E]":
        """Return the same event with its data in another shape."""
        return replace(self, data=data, dataschema=dataschema)  # type: ignore[arg-type,return-value]  # D becomes E


def write_event(event: Event[Any]) -> bytes:
    """Write an event whose data is JSON values.

    Raises:
        InvalidEventError: An attribute is not valid.
    """
    attributes: dict[str, Any] = {"id": event.id, "source": event.source, "type": event.type}
    optional = {
        "time": event.time,
        "subject": event.subject,
        "dataschema": event.dataschema,
        _KEY: event.key,
        "datacontenttype": "application/json",
    }
    attributes.update({name: value for name, value in optional.items() if value is not None})
    attributes.update(event.extensions)
    try:
        return _FORMAT.write(CloudEvent(attributes, event.data))
    except BaseCloudEventException as error:
        raise InvalidEventError(f"{event.type} cannot be written: {error}", event_type=event.type) from error


def read_event(body: bytes) -> Event[Any]:
    """Read an event; its data is JSON values, or bytes for `data_base64`.

    Raises:
        UnreadableEventError: It is no CloudEvent 1.0 in JSON.
    """
    try:
        found = _FORMAT.read(CloudEvent, body)
    except (BaseCloudEventException, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise UnreadableEventError(f"no CloudEvent 1.0 in JSON: {type(error).__name__}: {error}") from error
    attributes = found.get_attributes()
    return Event(
        id=attributes["id"],
        source=attributes["source"],
        type=attributes["type"],
        data=found.get_data(),
        time=attributes.get("time"),
        subject=attributes.get("subject"),
        key=_text(attributes.get(_KEY)),
        dataschema=attributes.get("dataschema"),
        extensions={name: str(value) for name, value in attributes.items() if name not in _OWN},
    )


def _text(value: object) -> str | None:
    return None if value is None else str(value)
