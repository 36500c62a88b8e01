"""What is due, what is held back, in which portions it goes: decided without clock and disk."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from maestro_workflow_engine import Retention
from maestro_workflow_engine.embedded import _schema
from maestro_workflow_engine.embedded._purge_plan import (
    MOST_BYTES,
    MOST_EVENTS,
    MOST_RUNS,
    EndedRun,
    Extent,
    Fate,
    fate,
    held_back,
    portions,
)
from maestro_workflow_engine.embedded._run_tables import RUN_TABLES

SECOND = 1_000_000


def run(key: int = 1, status: str = "completed", workflow: str = "w", **options: object) -> EndedRun:
    return EndedRun(key, f"r{key}", workflow, status, 0, **options)  # type: ignore[arg-type]  as the test says


def extent(events: int, size: int = 100) -> Extent:
    return Extent(events, size * events, 0, events - 1, events - 2, size * (events - 2))


@pytest.mark.parametrize(
    ("status", "age_s", "expected"),
    [
        ("completed", 9, Fate.KEEP),
        ("completed", 10, Fate.SHORTEN),
        ("completed", 30, Fate.DELETE),
        ("failed", 5, Fate.DELETE),
        ("cancelled", 10_000, Fate.SHORTEN),
    ],
)
def test_a_run_is_due_when_its_age_reaches_its_rule(status: str, age_s: int, expected: Fate):
    """At the age itself, not only after it; what has no rule loses its history at most."""
    rules = Retention(completed=timedelta(seconds=30), failed=timedelta(seconds=5), history=timedelta(seconds=10))
    assert fate(run(status=status), rules, age_s * SECOND) is expected


def test_a_workflows_rule_stands_in_place_of_the_general_one():
    """Nothing is inherited: what the rule does not say is kept for ever."""
    rules = Retention(completed=timedelta(0), history=timedelta(0), workflows={"kept": Retention()})
    assert fate(run(workflow="kept"), rules, SECOND) is Fate.KEEP
    assert fate(run(), rules, SECOND) is Fate.DELETE


def test_every_age_is_looked_at():
    """Ages of workflows' rules count, None is no age, and each is named once."""
    hour = timedelta(hours=1)
    rules = Retention(completed=2 * hour, failed=hour, workflows={"w": Retention(history=hour, terminated=3 * hour)})
    assert rules.durations() == [hour, 2 * hour, 3 * hour]


@pytest.mark.parametrize(
    ("case", "wanted", "stays"),
    [
        (run(has_open_children=True), Fate.DELETE, True),
        (run(has_open_children=True), Fate.SHORTEN, False),
        (run(status="failed", parent_status="running", parent_id="p"), Fate.DELETE, True),
        (run(status="failed", parent_status="failed", parent_id="p"), Fate.SHORTEN, True),
        (run(status="failed", parent_status="completed", parent_id="p"), Fate.DELETE, False),
        (run(status="completed", parent_status="running", parent_id="p"), Fate.DELETE, False),
        (run(status="failed"), Fate.DELETE, False),
    ],
)
def test_what_a_relative_needs_is_held_back(case: EndedRun, wanted: Fate, stays: bool):
    """An open child keeps its parent; a parent that may be retried keeps the child that failed, with its history."""
    assert (held_back(case, wanted) is not None) is stays


def test_portions_are_bounded_and_complete():
    """No transaction deletes more than its share, whatever the mixture, and nothing is left out or counted twice."""
    sizes = [4, 700, 1, 5_000, 30, *[5] * 900, 2_500]
    due = [(run(n), Fate.SHORTEN if n % 7 == 3 else Fate.DELETE, extent(size)) for n, size in enumerate(sizes)]
    parts = list(portions(due))
    assert [key for part in parts for key, _ in part.deleted] == [
        r.key for r, wanted, _ in due if wanted is Fate.DELETE
    ]
    assert all(len(part.deleted) + len({cut.key for cut in part.cuts}) <= MOST_RUNS + 1 for part in parts)
    gone: dict[int, set[int]] = {}
    sizes_of = {r.key: e for r, _, e in due}
    for part in parts:
        events = sum(cut.before - cut.after - 1 for cut in part.cuts)
        for cut in part.cuts:
            gone.setdefault(cut.key, set()).update(range(cut.after + 1, cut.before))
        events += sum(sizes_of[key].events - len(gone.get(key, ())) for key, _ in part.deleted)
        assert events <= MOST_EVENTS + 2
    for case, wanted, size in due:
        if wanted is Fate.SHORTEN:
            assert gone.get(case.key, set()) == set(range(1, size.last))
    assert sum(part.report.runs for part in parts) == sum(wanted is Fate.DELETE for _, wanted, _ in due)
    assert sum(part.report.events for part in parts) == sum(
        e.events if wanted is Fate.DELETE else max(0, e.events_between) for _, wanted, e in due
    )


def test_large_events_make_smaller_portions():
    """A megabyte is a portion, however few events that is."""
    parts = list(portions([(run(), Fate.DELETE, extent(100, MOST_BYTES // 4))]))
    assert len(parts) > 20
    assert max(cut.before - cut.after - 1 for part in parts for cut in part.cuts) <= 4


def test_every_table_with_rows_of_runs_is_purged(tmp_path: Path):
    """A table that is added and not named in RUN_TABLES would keep what it has of a run for ever, and give it to nobody."""
    with closing(_schema.connect(str(tmp_path / "journal.db"))) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        columns = {
            (table, column[1]) for table in tables for column in connection.execute(f"PRAGMA table_info({table})")
        }
    of_runs = {(table, column) for table, column in columns if column in ("run", "run_key")}
    of_runs.remove(("admissions", "run"))  # evidence for a rate: it goes with the time it counts in
    assert of_runs == set(RUN_TABLES), "name the table in embedded/_run_tables.py"


def test_an_extent_is_what_the_plan_says():
    """The helper of these tests makes the extents that the reader would."""
    assert msgspec.structs.astuple(extent(4)) == (4, 400, 0, 3, 2, 200)


def test_the_tables_are_looked_up_by_their_run(tmp_path: Path):
    """Deleting a run's rows searches them by an index; a scan would make a purge as slow as the file is large."""
    with closing(sqlite3.connect(tmp_path / "journal.db")) as connection:
        _schema.connect(str(tmp_path / "journal.db")).close()
        for table, column in RUN_TABLES:
            plan = connection.execute(f"EXPLAIN QUERY PLAN DELETE FROM {table} WHERE {column} IN (1, 2)").fetchall()
            assert all("SEARCH" in detail for *_, detail in plan), plan
