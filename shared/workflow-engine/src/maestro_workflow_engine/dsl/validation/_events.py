"""Events: their members, filters, how many to wait for, and what to do with each."""

from __future__ import annotations

from typing import Any

from maestro_workflow_engine.dsl.validation._rules import (
    Check,
    Findings,
    Where,
    anything,
    choice,
    list_of,
    mapping,
    mapping_of,
    record,
    text,
)
from maestro_workflow_engine.dsl.validation._texts import moment
from maestro_workflow_engine.dsl.validation._values import uri_or_expression

read_as = choice("data", "envelope", "raw")

_MEMBERS: dict[str, Check] = {
    "id": text,
    "source": uri_or_expression,
    "type": text,
    "time": moment,
    "subject": text,
    "datacontenttype": text,
    "dataschema": uri_or_expression,
    "data": anything,
}


def _members(value: Any, where: Where, findings: Findings) -> None:
    """Accept an event's members; any other name is an extension attribute."""
    mapping(value, where, findings)
    if type(value) is dict:
        for key, one in value.items():
            _MEMBERS.get(key, anything)(one, (where, key), findings)


def _sent(value: Any, where: Where, findings: Findings) -> None:
    _members(value, where, findings)
    if type(value) is dict and "type" not in value:
        findings.fault(where, "missing-field", "'type' is missing from an event")


def _expected(value: Any, where: Where, findings: Findings) -> None:
    _members(value, where, findings)
    if value == {}:
        findings.fault(where, "empty", "an event filter needs at least one member, such as 'type'")


emitted = record("'emit'", {"event": record("an event to emit", {"with": _sent}, closed=False)}, ("event",))

_CORRELATION = record("a correlation", {"from": text, "expect": text}, ("from",), closed=False)
event_filter = record("an event filter", {"with": _expected, "correlate": mapping_of(_CORRELATION)}, ("with",))


def _until(value: Any, where: Where, findings: Findings) -> None:
    """Accept a condition, or events that end the waiting; those may not wait for others in turn."""
    if type(value) is str:
        return
    strategy(value, where, findings)
    if type(value) is dict and "until" in value:
        message = "the events of an 'until' cannot have an 'until' of their own"
        findings.fault((where, "until"), "unknown-field", message)


_STRATEGY = record(
    "events to wait for",
    {"all": list_of(event_filter), "any": list_of(event_filter), "one": event_filter, "until": _until},
    exactly_one=[("all", "any", "one")],
)


def strategy(value: Any, where: Where, findings: Findings) -> None:
    """Accept what events to wait for; only `any` has an `until`."""
    _STRATEGY(value, where, findings)
    if type(value) is dict and "until" in value and "any" not in value:
        findings.fault((where, "until"), "misplaced-until", "only 'any' has an 'until'")
