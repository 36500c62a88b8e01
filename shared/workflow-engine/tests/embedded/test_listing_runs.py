"""Filters, orders, cursors and counts of runs."""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from maestro_workflow_engine import (
    RunFilter,
    RunOrder,
    RunStatus,
    SearchAttributeError,
    StartOptions,
    WorkflowEngine,
    between,
    one_of,
    prefix,
    receive,
    workflow,
)
from maestro_workflow_engine.embedded import _schema
from maestro_workflow_engine.embedded._run_listing import RunListing

SOON = timedelta(seconds=20)
START = datetime(2030, 1, 1, tzinfo=UTC)
MOST = 40_000


@workflow
async def quick() -> None: ...


@workflow(version="2.0.0")
async def waits() -> None:
    await receive("go")


ORDERS = {
    "a1": {"customer": "acme", "cents": 1000, "region": "eu", "sku": ["A-1", "B-1"], "due": START},
    "a2": {"customer": "acme", "cents": 2000.0, "region": "us", "sku": ["A-1", "A-2"], "urgent": True},
    "b1": {"customer": "b", "cents": 2001, "region": "eu", "sku": "B-2", "due": START + timedelta(days=1)},
    "b2": {"customer": "b", "cents": 1, "region": "ap", "urgent": 1, "zone": "Ä\U0010ffff1"},
}


@pytest.fixture
async def engine() -> AsyncIterator[WorkflowEngine]:
    async with WorkflowEngine.test([quick, waits], start_time=START) as engine:
        for run_id, attributes in ORDERS.items():
            definition = quick if run_id == "a1" else waits
            handle = await engine.start(definition, id=run_id, options=StartOptions(attributes=attributes))  # type: ignore[arg-type]  values of every kind
            await engine.time.sleep(timedelta(hours=1))
            if run_id == "a1":
                await handle.result(SOON)
        await engine.handle("b2").pause()
        yield engine


@pytest.mark.parametrize(
    ("criteria", "found"),
    [
        ({"attributes": {"customer": "acme"}}, "a2 a1"),
        ({"attributes": {"customer": "acme", "cents": 2000}}, "a2"),
        ({"attributes": {"cents": between(1000, 2000)}}, "a2 a1"),
        ({"attributes": {"cents": between(None, 1000)}}, "b2 a1"),
        ({"attributes": {"cents": between(1000.5, None)}}, "b1 a2"),
        ({"attributes": {"region": one_of("eu", "us")}}, "b1 a2 a1"),
        ({"attributes": {"region": one_of("eu"), "sku": one_of("A-1", "A-2", "B-2")}}, "b1 a1"),
        ({"attributes": {"sku": one_of("A-1", "A-2")}}, "a2 a1"),
        ({"attributes": {"sku": prefix("A-")}}, "a2 a1"),
        ({"attributes": {"sku": prefix("B-"), "customer": "b"}}, "b1"),
        ({"attributes": {"sku": "A-2"}}, "a2"),
        ({"attributes": {"zone": prefix("Ä\U0010ffff")}}, "b2"),
        ({"attributes": {"customer": between("a", "azz")}}, "a2 a1"),
        ({"attributes": {"urgent": True}}, "a2"),
        ({"attributes": {"urgent": 1}}, "b2"),
        ({"attributes": {"urgent": one_of(True, 1, 7)}}, "b2 a2"),
        ({"attributes": {"due": START.astimezone(timezone(timedelta(hours=2)))}}, "a1"),
        ({"attributes": {"due": between(START, START + timedelta(days=1))}}, "b1 a1"),
        ({"attributes": {"nothing": "x"}}, ""),
        ({"attributes": {"customer": "ACME"}}, ""),
        ({"status": "running"}, "b1 a2"),
        ({"status": ["running", RunStatus.PAUSED]}, "b2 b1 a2"),
        ({"status": "completed", "attributes": {"customer": "acme"}}, "a1"),
        ({"workflow": "waits", "attributes": {"region": "eu"}}, "b1"),
        ({"version": "2.0.0"}, "b2 b1 a2"),
        ({"id_prefix": "a"}, "a2 a1"),
        ({"id_prefix": "b1"}, "b1"),
        ({"created_after": START + timedelta(hours=1), "created_before": START + timedelta(hours=3)}, "b1 a2"),
        ({"finished_after": START, "finished_before": START + timedelta(hours=1)}, "a1"),
        ({"finished_after": START + timedelta(days=1)}, ""),
        ({"parent": "a1"}, ""),
        ({}, "b2 b1 a2 a1"),
    ],
)
async def test_a_filter_finds_what_meets_every_criterion(
    engine: WorkflowEngine, criteria: dict[str, object], found: str
):
    """Keywords and a filter mean the same; the oldest first is the newest first turned round; counts agree."""
    wanted = RunFilter(**criteria)  # type: ignore[arg-type]  criteria of every kind
    assert [run.id for run in (await engine.runs(wanted)).runs] == found.split()
    assert [run.id for run in (await engine.runs(**criteria, order="oldest")).runs] == found.split()[::-1]  # type: ignore[arg-type]  likewise
    assert await engine.count(wanted) == await engine.count(**criteria) == len(found.split())  # type: ignore[arg-type]  likewise


@pytest.mark.parametrize("order", list(RunOrder))
@pytest.mark.parametrize(
    "criteria", [{}, {"attributes": {"group": one_of("even", "odd")}}, {"status": ["running", "completed"]}]
)
async def test_pages_show_every_run_once_while_runs_are_added(order: RunOrder, criteria: dict[str, object]):
    """Of those that were there at first none is shown twice and none is left out; with a page for each run, too."""
    async with WorkflowEngine("sqlite://", workflows=[waits]) as engine:

        async def add(run_id: str) -> None:
            group = "even" if len(run_id) % 2 else "odd"
            await engine.start(waits, id=run_id, options=StartOptions(attributes={"group": group}))

        first = [f"r{'x' * n}" for n in range(7)]
        for run_id in first:
            await add(run_id)
        seen, cursor = list[str](), None
        for added in itertools.count():
            page = await engine.runs(**criteria, order=order, limit=2, cursor=cursor)  # type: ignore[arg-type]  criteria of every kind
            seen += [run.id for run in page.runs]
            cursor = page.next_cursor
            if cursor is None or added > 20:
                break
            if added < 3:
                await add(f"late{'x' * added}")
        assert len(seen) == len(set(seen))
        expected = first if order is RunOrder.OLDEST else first[::-1]
        assert [run_id for run_id in seen if run_id in first] == expected


async def test_a_cursor_belongs_to_its_filter_and_order(engine: WorkflowEngine):
    """With the same meaning, written otherwise, it goes on; with another filter or order it is refused, and so is rubbish."""
    page = await engine.runs(status=["running", "paused"], limit=1)
    again = await engine.runs(RunFilter(status=(RunStatus.PAUSED, "running")), cursor=page.next_cursor)
    assert [run.id for run in [*page.runs, *again.runs]] == ["b2", "b1", "a2"]
    others = ({"status": "running"}, {"order": "oldest", "status": ["running", "paused"]}, {}, {"attributes": {"a": 1}})
    for other in others:
        with pytest.raises(ValueError, match="another filter or order"):
            await engine.runs(**other, cursor=page.next_cursor)  # type: ignore[arg-type]  criteria of every kind
    for rubbish in ("", "7", "x", "ä", "WzEsMl0", f"{page.next_cursor}x"):
        with pytest.raises(ValueError, match="cursor"):
            await engine.runs(status=["running", "paused"], cursor=rubbish)
    numbers = [(await engine.runs(attributes={"a": value}, limit=1)).next_cursor for value in (1, True)]
    assert numbers == [None, None]


def test_conditions_refuse_what_they_cannot_compare():
    """A range needs two limits of one kind, a choice and a beginning need something."""
    for low, high in ((None, None), (1, "a"), (True, 2), (START, 5)):
        with pytest.raises(ValueError, match="between"):
            between(low, high)
    with pytest.raises(ValueError, match="1 to 100"):
        one_of()
    with pytest.raises(ValueError, match="several values"):
        one_of(["a", "b"])
    with pytest.raises(ValueError, match="prefix"):
        prefix("")
    with pytest.raises(SearchAttributeError, match="zone"):
        between(datetime(2030, 1, 1), None)  # noqa: DTZ001  the point


async def test_more_values_than_the_database_takes_are_refused_clearly(engine: WorkflowEngine):
    """Two long choices work, and what is too much is an error of its own and no damaged journal."""
    many = {f"a{n}": one_of(*range(100)) for n in range(2)}
    assert (await engine.runs(attributes=many)).runs == []
    many |= {f"b{n}": one_of(*range(100)) for n in range(4)}
    with pytest.raises(ValueError, match="too many values"):
        await engine.runs(attributes=many)


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A journal of 40,000 runs: of twenty customers, a hundred open, ten of one rare region."""
    path = tmp_path_factory.mktemp("crowded") / "journal.db"
    connection = _schema.connect(str(path))
    connection.execute("BEGIN")
    connection.executemany(
        "INSERT INTO runs (key, id, workflow, version, status, created_us, finished_us, parent_key) VALUES (?, ?, ?, '1', ?, ?, ?, ?)",
        (
            (
                key,
                f"{key:08x}",
                f"w{key % 3}",
                "running" if key % 400 == 0 else "completed",
                key,
                key,
                key - 1 if key % 50 == 0 else None,
            )
            for key in range(1, MOST + 1)
        ),
    )
    connection.executemany(
        "INSERT INTO attributes (name, kind, value, run) VALUES (?, ?, ?, ?)",
        itertools.chain.from_iterable(
            [
                ("customer", 2, f"c{key % 20}", key),
                ("cents", 1, key, key),
                ("region", 2, "rare" if key % 4000 == 0 else "usual", key),
            ]
            for key in range(1, MOST + 1)
        ),
    )
    connection.execute("COMMIT")
    connection.close()
    return path


@pytest.mark.parametrize(
    ("wanted", "way"),
    [
        (RunFilter(attributes={"customer": "c7"}), "SEARCH a USING PRIMARY KEY (name=? AND kind=? AND value=?"),
        (RunFilter(attributes={"customer": "c7"}, status="completed", workflow="w1"), "SEARCH a USING PRIMARY KEY"),
        (RunFilter(attributes={"region": "usual"}, status="running"), "USING COVERING INDEX runs_by_status (status=?"),
        (RunFilter(attributes={"region": "rare", "customer": "c0"}), "SEARCH a USING PRIMARY KEY"),
        (RunFilter(attributes={"region": one_of("rare", "rarer")}), "SEARCH a USING PRIMARY KEY"),
        (
            RunFilter(attributes={"cents": between(100, 200)}),
            "SEARCH a USING PRIMARY KEY (name=? AND kind=? AND value>? AND value<?)",
        ),
        (
            RunFilter(attributes={"customer": prefix("c7")}, id_prefix="0000100"),
            "SEARCH r USING COVERING INDEX sqlite_autoindex_runs_1 (id>? AND id<?)",
        ),
        (RunFilter(status="running"), "USING COVERING INDEX runs_by_status (status=?"),
        (RunFilter(status=("running", "paused"), workflow="w1"), "USING INDEX runs_by_status (status=?"),
        (RunFilter(parent="00000031"), "INDEX runs_by_parent (parent_key=?"),
    ],
)
@pytest.mark.parametrize("after", [None, 30_000])
def test_a_filter_that_narrows_goes_by_an_index(crowded: Path, wanted: RunFilter, way: str, after: int | None):
    """The query plan has no scan of runs or attributes, and begins with the criterion that few runs meet."""
    listing = RunListing(str(crowded))
    for sql, values in (
        listing.page_statement(wanted, RunOrder.NEWEST, 101, after),
        listing.page_statement(wanted, RunOrder.OLDEST, 101, after),
        listing.count_statement(wanted),
    ):
        plan = [row[3] for row in listing._query(f"EXPLAIN QUERY PLAN {sql}", values)]
        assert any(way in line for line in plan), plan
        assert not any(line.startswith(("SCAN r", "SCAN a", "SCAN p")) for line in plan), plan
    listing.close()


def test_a_value_that_many_runs_have_is_read_in_order(crowded: Path):
    """A page of a common value takes from the index what it shows: nothing is sorted that grows with the journal."""
    listing = RunListing(str(crowded))
    sql, values = listing.page_statement(RunFilter(attributes={"region": "usual"}), RunOrder.NEWEST, 101, None)
    plan = [row[3] for row in listing._query(f"EXPLAIN QUERY PLAN {sql}", values)]
    assert sum("TEMP B-TREE" in line for line in plan) == 1, plan  # of the page itself, in the end
    listing.close()


async def test_a_long_listing_does_not_hold_up_the_runs(tmp_path: Path) -> None:
    """While a listing is stuck on its thread, runs start and end: it has a connection of its own."""
    async with WorkflowEngine(f"sqlite:///{tmp_path}/journal.db", workflows=[quick]) as engine:
        listing = engine._runner.reading._opened.listing  # type: ignore[attr-defined]  the embedded runner's
        with listing._lock:
            page = asyncio.create_task(engine.runs())
            await (await engine.start(quick)).result(SOON)
            assert not page.done()
        await page


async def test_attributes_written_by_hand_agree_with_the_index(crowded: Path):
    """The fixture is a journal like any other: an engine opens it and counts what was put there."""
    async with WorkflowEngine(f"sqlite:///{crowded}") as engine:
        assert await engine.count() == MOST
        assert await engine.count(attributes={"customer": "c7", "cents": between(1, 200)}) == 10
        assert await engine.count(status="running") == await engine.count(attributes={"region": "rare"}) * 10 == 100
    with sqlite3.connect(crowded) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()
