"""Which events are wanted: filters as plain data, which the journal keeps, and what they match.

A filter never fails: an expression that cannot be evaluated for an event (its data has another form) does not match it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

import msgspec


class _Tagged(msgspec.Struct, frozen=True, tag_field="k", omit_defaults=True):
    """A part of a filter, told from others by `k`."""


class Is(_Tagged, frozen=True, tag="is"):
    """The value itself."""

    v: Any


class Like(_Tagged, frozen=True, tag="like"):
    """Text that a regular expression matches as a whole, or that is the expression's own text."""

    v: str


class Where(_Tagged, frozen=True, tag="where"):
    """A value of which a jq program says `true`, or for which it gives that very value."""

    jq: str
    vars: dict[str, Any] = {}


class Having(_Tagged, frozen=True, tag="having"):
    """An object with at least these members."""

    v: dict[str, Pattern]


class Items(_Tagged, frozen=True, tag="items"):
    """A list of exactly these items."""

    v: list[Pattern]


class Present(_Tagged, frozen=True, tag="present"):
    """Any value, as long as there is one."""


class Never(_Tagged, frozen=True, tag="never"):
    """No value at all."""


Pattern = Is | Like | Where | Having | Items | Present | Never


class Correlation(msgspec.Struct, frozen=True, omit_defaults=True):
    """A value taken from an event, and what it must be.

    `jq` is evaluated on the whole event. Without `expect` any value but null will do.
    """

    jq: str
    vars: dict[str, Any] = {}
    expect: Any = msgspec.UNSET

    def value(self, event: Mapping[str, Any]) -> Any:
        """Return the value in an event; None when there is none."""
        return _evaluate(self.jq, event, self.vars)

    def matches(self, event: Mapping[str, Any]) -> bool:
        """Tell whether an event has the value."""
        found = self.value(event)
        return found is not None and (self.expect is msgspec.UNSET or same(found, self.expect))


class EventFilter(msgspec.Struct, frozen=True, omit_defaults=True):
    """What an event must be like.

    Attributes:
        attributes: A pattern for each attribute, and for `data`.
        correlate: Values that events must have, by name.
    """

    attributes: dict[str, Pattern] = {}
    correlate: dict[str, Correlation] = {}

    def matches(self, event: Mapping[str, Any]) -> bool:
        """Tell whether an event is wanted."""
        return all(
            name in event and matches(pattern, event[name]) for name, pattern in self.attributes.items()
        ) and all(each.matches(event) for each in self.correlate.values())

    @property
    def event_type(self) -> str | None:
        """The one type that it wants; None when it takes several."""
        pattern = self.attributes.get("type")
        return pattern.v if isinstance(pattern, Is) and isinstance(pattern.v, str) else None

    def keys(self) -> Iterator[tuple[str, str]]:
        """Yield (where, value) pairs that an event must have, cheap to look up: `where` is given to `key_value`."""
        for name, each in self.correlate.items():
            if each.expect is not msgspec.UNSET and not each.vars:
                yield f"jq:{each.jq}", canonical(self.correlate[name].expect)
        for name, pattern in self.attributes.items():
            if name != "type" and isinstance(pattern, Is):
                yield f"is:{name}", canonical(pattern.v)


Filters = tuple[EventFilter, ...]
_encoder = msgspec.json.Encoder(order="deterministic")
_decoder: msgspec.json.Decoder[Filters] = msgspec.json.Decoder(Filters)


def encode_filters(filters: Filters) -> bytes:
    """Return what the journal keeps; the same filters give the same bytes."""
    return _encoder.encode(filters)


def decode_filters(data: bytes) -> Filters:
    """Read filters back.

    Raises:
        msgspec.MsgspecError: These are none.
    """
    return _decoder.decode(data)


def key_value(where: str, event: Mapping[str, Any]) -> str | None:
    """Return what an event has at a place that `EventFilter.keys` named; None for nothing."""
    kind, _, name = where.partition(":")
    found = event.get(name) if kind == "is" else _evaluate(name, event, {})
    return None if found is None else canonical(found)


def canonical(value: Any) -> str:
    """Return text that is the same for values that are the same."""
    return _encoder.encode(_even(value)).decode()


def same(one: Any, other: Any) -> bool:
    """Compare JSON values: 1 is 1.0, and true is not 1."""
    return canonical(one) == canonical(other)


def matches(pattern: Pattern, value: Any) -> bool:
    """Tell whether a value fits a pattern."""
    match pattern:
        case Is(expected):
            return same(value, expected)
        case Like(text):
            return isinstance(value, str) and (value == text or _regex(text).fullmatch(value) is not None)
        case Where(program, variables):
            found = _evaluate(program, value, variables)
            return found is True or (not isinstance(found, bool) and found is not None and same(found, value))
        case Having(members):
            return isinstance(value, dict) and all(
                name in value and matches(member, value[name]) for name, member in members.items()
            )
        case Items(items):
            return (
                isinstance(value, list)
                and len(value) == len(items)
                and all(matches(item, found) for item, found in zip(items, value, strict=True))
            )
        case Present():
            return value is not None
        case _:
            return False


@lru_cache(maxsize=1024)
def _regex(text: str) -> re.Pattern[str]:
    return re.compile(text)


def _even(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_even(item) for item in value]
    if isinstance(value, dict):
        return {key: _even(item) for key, item in value.items()}
    return value


def _evaluate(program: str, data: Any, variables: Mapping[str, Any]) -> Any:
    from maestro_workflow_engine.dsl._expressions import (  # noqa: PLC0415  the DSL stands on the engine; only filters look back
        ExpressionError,
        ready_expression,
    )

    try:
        return ready_expression(program, tuple(sorted(variables))).evaluate(data, variables)
    except ExpressionError:
        return None
