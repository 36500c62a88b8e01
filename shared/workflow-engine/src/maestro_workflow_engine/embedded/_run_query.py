"""How a filter becomes SQL: every criterion is a check on a run, and some are also a way in by an index."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from maestro_workflow_engine._attributes import Stored, stored
from maestro_workflow_engine._conditions import AttributeBetween, AttributeOneOf, AttributePrefix, Bound
from maestro_workflow_engine._run_filter import RunFilter, Wanted
from maestro_workflow_engine.embedded._attribute_rows import TEXT, terms

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_CHARACTER = 0x10FFFF
_SURROGATES = range(0xD800, 0xE000)


@dataclass(frozen=True, slots=True)
class Seek:
    """A way to runs by an index, `r` being the run.

    Attributes:
        source: Tables.
        where: Condition.
        values: What goes into the condition.
        key: The column by which the index has the runs in order.
        probe: Tables in which the same condition can be counted without looking at a run; empty for the source.
        probe_where: The condition there; empty for `where`.
    """

    source: str
    where: str
    values: tuple[object, ...]
    key: str = "r.key"
    probe: str = ""
    probe_where: str = ""


@dataclass(frozen=True, slots=True)
class Criterion:
    """A check on a run, and the ways to the runs that pass it: together they find all."""

    check: str
    values: tuple[object, ...]
    seeks: tuple[Seek, ...] = ()


def criteria(wanted: RunFilter) -> list[Criterion]:
    """Return what a filter asks for, those first whose index finds runs in order and few of them."""
    found = [_attribute(name, value) for name, value in wanted.attributes.items()]
    found.sort(key=lambda criterion: criterion.seeks[0].key == "r.key")
    if wanted.parent is not None:
        check = "r.parent_key = (SELECT key FROM runs WHERE id = ?)"
        found.append(
            Criterion(check, (wanted.parent,), (Seek("runs r INDEXED BY runs_by_parent", check, (wanted.parent,)),))
        )
    if statuses := tuple(status.value for status in wanted.statuses):
        seeks = tuple(Seek("runs r INDEXED BY runs_by_status", "r.status = ?", (status,)) for status in statuses)
        found.append(Criterion(f"r.status IN ({_marks(statuses)})", statuses, seeks))
    if wanted.id_prefix is not None:
        check, values = _begins("r.id", wanted.id_prefix)
        inside = f"r.key IN (SELECT r.key FROM runs r WHERE {check})"  # noqa: S608  clauses are ours
        found.append(Criterion(check, values, (Seek("runs r", inside, values, probe="runs r", probe_where=check),)))
    found += [Criterion(check, (value,)) for check, value in _plain(wanted) if value is not None]
    return found


def _plain(wanted: RunFilter) -> Iterator[tuple[str, str | int | None]]:
    yield "r.workflow = ?", wanted.workflow
    yield "r.version = ?", wanted.version
    yield "r.created_us >= ?", _us(wanted.created_after)
    yield "r.created_us < ?", _us(wanted.created_before)
    yield "r.finished_us >= ?", _us(wanted.finished_after)
    yield "r.finished_us < ?", _us(wanted.finished_before)


def _attribute(name: str, wanted: Wanted) -> Criterion:
    match wanted:
        case AttributeBetween(low, high):
            return _range(name, *_within(low, high))
        case AttributePrefix(text):
            check, values = _begins("a.value", text)
            return _range(name, TEXT, check, values)
        case AttributeOneOf(values):
            return _values(name, [stored(name, value) for value in values])
        case _:
            return _values(name, [stored(name, wanted)])


def _values(name: str, wanted: list[Stored]) -> Criterion:
    pairs = list(dict.fromkeys(term for value in wanted for term in terms(value)))
    one = "a.name = ? AND a.kind = ? AND a.value = ?"
    seeks = tuple(
        Seek("attributes a CROSS JOIN runs r ON r.key = a.run", one, (name, *pair), "a.run", "attributes a")
        for pair in pairs
    )
    checks, values = [], list[object]()
    for kind in sorted({kind for kind, _ in pairs}):
        of_kind = [value for found, value in pairs if found == kind]
        inside = f"a.run = r.key AND a.name = ? AND a.kind = ? AND a.value IN ({_marks(of_kind)})"
        checks.append(f"EXISTS (SELECT 1 FROM attributes a WHERE {inside})")  # noqa: S608  clauses are ours
        values += [name, kind, *of_kind]
    return Criterion(f"({' OR '.join(checks)})", tuple(values), seeks)


def _range(name: str, kind: int, check: str, values: tuple[object, ...]) -> Criterion:
    inside = f"a.name = ? AND a.kind = ? AND {check}"
    both = (name, kind, *values)
    seek = Seek(
        "runs r",
        f"r.key IN (SELECT a.run FROM attributes a WHERE {inside})",  # noqa: S608  clauses are ours
        both,
        probe="attributes a",
        probe_where=inside,
    )
    of_run = "SELECT 1 FROM attributes a INDEXED BY attributes_by_run WHERE a.run = r.key"
    return Criterion(f"EXISTS ({of_run} AND {inside})", both, (seek,))


def _within(low: Bound | None, high: Bound | None) -> tuple[int, str, tuple[object, ...]]:
    limits = [
        (check, *terms(stored("limit", limit))[0])
        for check, limit in (("a.value >= ?", low), ("a.value <= ?", high))
        if limit is not None
    ]
    return limits[0][1], " AND ".join(check for check, _, _ in limits), tuple(value for _, _, value in limits)


def _begins(column: str, text: str) -> tuple[str, tuple[object, ...]]:
    """Return the condition that a text begins with another: SQLite orders texts by their code points."""
    rest = text.rstrip(chr(_LAST_CHARACTER))
    if not rest:
        return f"{column} >= ?", (text,)
    following = ord(rest[-1]) + 1
    if following in _SURROGATES:
        following = _SURROGATES.stop
    return f"{column} >= ? AND {column} < ?", (text, rest[:-1] + chr(following))


def _marks(values: Collection[object]) -> str:
    return ", ".join("?" * len(values))


def _us(moment: datetime | None) -> int | None:
    return None if moment is None else (moment - _EPOCH) // timedelta(microseconds=1)
