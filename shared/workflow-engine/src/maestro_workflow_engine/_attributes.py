"""Search attributes: which values there are, which are refused, and how the journal writes them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import msgspec

from maestro_workflow_engine._errors import SearchAttributeError

AttributeValue = str | int | float | bool | datetime | list[str]
"""What an attribute can be: text, a number, a truth value, an aware datetime, or keywords, each of which is found."""

MOST_ATTRIBUTES = 64
MOST_TEXT_BYTES = 1024
_MOST_KEYWORDS = 64
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.]{0,63}\Z")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_INTEGERS = range(-(2**63), 2**63)


class Moment(msgspec.Struct, frozen=True):
    """A time, in µs since the epoch."""

    at_us: int


Stored = bool | int | float | str | list[str] | Moment
"""An attribute's value as events have it."""

_decoder: msgspec.json.Decoder[dict[str, Stored]] = msgspec.json.Decoder(dict[str, Stored])


def checked(attributes: Mapping[str, AttributeValue]) -> dict[str, Stored]:
    """Return attributes as they are written.

    Raises:
        SearchAttributeError: A name or value is none, or there are too many.
    """
    if len(attributes) > MOST_ATTRIBUTES:
        raise SearchAttributeError(list(attributes)[MOST_ATTRIBUTES], f"a run has at most {MOST_ATTRIBUTES} attributes")
    return {check_name(name): stored(name, value) for name, value in attributes.items()}


def changes(attributes: Mapping[str, AttributeValue | None]) -> dict[str, Stored | None]:
    """Return changes of attributes as they are written; None stands for removal.

    Raises:
        SearchAttributeError: A name or value is none.
    """
    return {check_name(name): None if value is None else stored(name, value) for name, value in attributes.items()}


def check_name(name: object) -> str:
    """Return a name that may be one.

    Raises:
        SearchAttributeError: It is none.
    """
    if not isinstance(name, str) or not _NAME.match(name):
        reason = "a name has up to 64 letters, digits, _ and . and begins with a letter or _"
        raise SearchAttributeError(str(name), reason)
    return name


def stored(name: str, value: object) -> Stored:
    """Return a value as it is written.

    Raises:
        SearchAttributeError: It is none.
    """
    match value:
        case bool():
            return value
        case int():
            if value not in _INTEGERS:
                raise SearchAttributeError(name, "a whole number must fit into 64 bits")
            return int(value)
        case float():
            if not math.isfinite(value):
                raise SearchAttributeError(name, f"{value} is no number that can be compared")
            return float(value)
        case str():
            return _text(name, [value])[0]
        case datetime():
            if value.utcoffset() is None:
                raise SearchAttributeError(name, f"{value!r} has no time zone; use an aware datetime")
            return Moment((value - _EPOCH) // timedelta(microseconds=1))
        case list() | tuple() if all(isinstance(word, str) for word in value):
            if len(value) > _MOST_KEYWORDS:
                raise SearchAttributeError(name, f"a list has at most {_MOST_KEYWORDS} keywords")
            return _text(name, list(value))
        case _:
            reason = f"{type(value).__name__} is none of str, int, float, bool, aware datetime, list of str"
            raise SearchAttributeError(name, reason)


def shown(attributes: Mapping[str, Stored]) -> dict[str, AttributeValue]:
    """Return attributes as users see them; times are UTC."""
    return {name: _shown(value) for name, value in attributes.items()}


def is_same(one: Stored | None, other: Stored | None) -> bool:
    """Tell whether two values are the same, of the same type."""
    return type(one) is type(other) and one == other


def applied(before: Mapping[str, Stored], changed: Mapping[str, Stored | None]) -> dict[str, Stored]:
    """Return attributes after changes."""
    after = {**before, **changed}
    return {name: value for name, value in after.items() if value is not None}


def encode(attributes: Mapping[str, Stored]) -> bytes:
    """Return attributes as one JSON object."""
    return msgspec.json.encode(attributes)


def decode(data: bytes) -> dict[str, Stored]:
    """Read attributes back."""
    return _decoder.decode(data)


def _text(name: str, texts: list[str]) -> list[str]:
    try:
        size = sum(len(text.encode()) for text in texts)
    except UnicodeEncodeError as error:
        raise SearchAttributeError(name, "the text is no Unicode that can be written as UTF-8") from error
    if size > MOST_TEXT_BYTES:
        raise SearchAttributeError(name, f"its text has {size:,} bytes; at most {MOST_TEXT_BYTES:,} are kept")
    return [str.__str__(text) for text in texts]  # enumerations of texts become plain ones


def _shown(value: Stored) -> AttributeValue:
    return _EPOCH + timedelta(microseconds=value.at_us) if isinstance(value, Moment) else value
