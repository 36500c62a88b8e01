"""What search attributes are in the journal: a column of their run, which listings show, and an index, which finds runs.

Each value is one row of the index, a list one row for each keyword. Kinds are kept apart, so that 1, True and a time of
1 µs differ. Rows go with their run: a trigger deletes them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from maestro_workflow_engine._attributes import Moment, Stored, applied, encode
from maestro_workflow_engine.embedded._journal import Statement
from maestro_workflow_engine.machine import _events as ev

TRUTH, NUMBER, TEXT, TIME = 0, 1, 2, 3
"""Kinds of values."""

_INSERT = "INSERT INTO attributes (name, kind, value, run) VALUES (?, ?, ?, ?)"
_DELETE = "DELETE FROM attributes WHERE run = ? AND name = ?"
_DELETE_ALL = "DELETE FROM attributes WHERE run = ?"
_SHOW = "UPDATE runs SET attributes = ? WHERE key = ?"


def terms(value: Stored) -> list[tuple[int, int | float | str]]:
    """Return (kind, value) of each row that a value has in the index."""
    match value:
        case bool():
            return [(TRUTH, int(value))]
        case int() | float():
            return [(NUMBER, value)]
        case Moment():
            return [(TIME, value.at_us)]
        case str():
            return [(TEXT, value)]
        case _:
            return [(TEXT, word) for word in dict.fromkeys(value)]


def made(key: int, attributes: Mapping[str, Stored]) -> tuple[Statement, ...]:
    """Return what a run that has no rows yet is written with; nothing without attributes."""
    return (*_inserts(key, attributes), _shown(key, attributes)) if attributes else ()


def changed(key: int, changes: Mapping[str, Stored | None], after: Mapping[str, Stored]) -> tuple[Statement, ...]:
    """Return what a change of attributes is written with."""
    deletes: list[Statement] = [(_DELETE, (key, name)) for name in changes]
    kept = {name: value for name, value in changes.items() if value is not None}
    return (*deletes, *_inserts(key, kept), _shown(key, after))


def rebuilt(key: int, attributes: Mapping[str, Stored]) -> tuple[Statement, ...]:
    """Return what replaces whatever rows a run has."""
    return ((_DELETE_ALL, (key,)), *_inserts(key, attributes), _shown(key, attributes))


def attributes_of(events: Sequence[ev.Event]) -> dict[str, Stored]:
    """Return the attributes a run has after the events that count."""
    found: dict[str, Stored] = {}
    for event in events:
        if isinstance(event, ev.RunStarted):  # a later pass starts with what the one before it had
            found = dict(event.attributes or {})
        elif isinstance(event, ev.AttributesSet):
            found = applied(found, event.attributes)
    return found


def _inserts(key: int, attributes: Mapping[str, Stored]) -> list[Statement]:
    return [(_INSERT, (name, *term, key)) for name, value in attributes.items() for term in terms(value)]


def _shown(key: int, attributes: Mapping[str, Stored]) -> Statement:
    return _SHOW, (encode(attributes) if attributes else None, key)
