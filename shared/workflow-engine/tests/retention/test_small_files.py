"""Journals that stay small: pages are given back, the log is cut, and what has ended slows nothing down."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import timedelta
from pathlib import Path

import pytest

from maestro_workflow_engine import (
    JournalWriteError,
    Retention,
    RunFilter,
    RunOrder,
    RunStatus,
    WorkflowEngine,
    WorkflowNotFoundError,
    step,
    workflow,
)
from maestro_workflow_engine._payload_options import PayloadOptions
from maestro_workflow_engine.embedded import _schema
from maestro_workflow_engine.embedded._purge_reader import BEGINNING, INDEX, PurgeReader
from maestro_workflow_engine.embedded._reader import JournalReader
from maestro_workflow_engine.embedded._run_listing import RunListing
from maestro_workflow_engine.embedded._runner import EmbeddedRunner
from maestro_workflow_engine.embedded._sealing import Sealer

SOON = timedelta(seconds=60)
ROUNDS, RUNS_A_ROUND = 5, 200
PATIENCE_S = 240.0


@step
async def work(text: str) -> str:
    return text


@workflow
async def flow(text: str) -> str:
    return await work(text)


def url(folder: Path) -> str:
    return f"sqlite:///{folder}/journal.db"


async def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


def filled(path: Path, runs: int) -> None:
    """Make a journal with runs that have ended, without running them."""
    connection = _schema.connect(str(path))
    statuses = ("completed", "completed", "completed", "failed", "cancelled", "terminated")
    event = b'{"type":"run_started","time":1,"input":null,"seed":1}'
    connection.execute("BEGIN")
    connection.executemany(
        "INSERT INTO runs (key, id, workflow, version, status, created_us, finished_us) VALUES (?, ?, 'flow', '1.0.0', ?, ?, ?)",
        ((n, f"old-{n}", statuses[n % 6], n, n + 10) for n in range(1, runs + 1)),
    )
    connection.executemany(
        "INSERT INTO history VALUES (?, ?, ?)",
        ((n, position, event) for n in range(1, runs + 1) for position in (0, 1)),
    )
    connection.execute("COMMIT")
    connection.close()


@pytest.mark.timeout(600)  # every run is several commits, and a busy machine's disk has much else to do
async def test_under_continuous_load_the_file_is_as_small_as_what_is_kept(tmp_path: Path):
    """Thousands of runs come and go; the file never has room for more than a part of them, and shrinks when it is quiet."""
    path, log = tmp_path / "journal.db", tmp_path / "journal.db-wal"
    text = "x" * 500
    async with WorkflowEngine(url(tmp_path), workflows=[flow], retention=Retention(completed=timedelta(0))) as engine:
        empty = path.stat().st_size
        for _ in range(ROUNDS):
            handles = await asyncio.gather(*(engine.start(flow, text) for _ in range(RUNS_A_ROUND)))
            with suppress(WorkflowNotFoundError):  # it may be gone already
                await handles[-1].result(SOON)
        async with asyncio.timeout(PATIENCE_S):
            while (await engine.runs()).runs:
                await asyncio.sleep(0.01)
        await until(lambda: path.stat().st_size <= empty + 64 * 4096 and log.stat().st_size <= 1024 * 1024)
    assert ROUNDS * RUNS_A_ROUND * 3 * len(text) > 1_000_000  # what it would be otherwise


async def test_an_old_journal_reuses_what_a_purge_freed(tmp_path: Path):
    """A file that was made before it could shrink does not grow again until the freed pages are used up."""
    path = tmp_path / "journal.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.executescript(_schema._SCHEMA)
    filled(path, 5_000)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA auto_vacuum").fetchone() == (0,)
    async with WorkflowEngine(url(tmp_path), workflows=[flow]) as engine:
        assert (await engine.purge(older_than=timedelta(days=1))).runs == 5_000
    size = path.stat().st_size
    async with WorkflowEngine(url(tmp_path), workflows=[flow]) as engine:
        for handle in await asyncio.gather(*(engine.start(flow, "x" * 300) for _ in range(500))):
            await handle.result(SOON)
    assert path.stat().st_size == size


async def test_a_purge_that_the_disk_refuses_says_so_and_loses_nothing(tmp_path: Path):
    """An explicit purge is told; the background one rests; both go on once there is room."""
    filled(tmp_path / "journal.db", 2_000)
    async with WorkflowEngine(url(tmp_path), workflows=[flow]) as engine:
        runner = engine._runner
        assert isinstance(runner, EmbeddedRunner)
        connection = runner.purging._uploads._journal._connection
        connection.execute("PRAGMA query_only = ON")  # every write is refused
        with pytest.raises(JournalWriteError):
            await engine.purge(older_than=timedelta(days=1))
        assert (await engine.purgeable(older_than=timedelta(days=1))).runs == 2_000
        connection.execute("PRAGMA query_only = OFF")
        await until(lambda: runner.failure is None or runner.purging._has_index is False)
        assert (await engine.purge(older_than=timedelta(days=1))).runs == 2_000
        assert (await engine.runs()).runs == []


async def test_runs_go_on_between_the_portions_of_a_purge(tmp_path: Path):
    """While very much is purged, new runs start and end; they do not wait for the purge to be over."""
    filled(tmp_path / "journal.db", 20_000)
    async with WorkflowEngine(url(tmp_path), workflows=[flow]) as engine:
        purge = asyncio.create_task(engine.purge(older_than=timedelta(days=1)))
        ended = 0
        while not purge.done():
            assert await (await engine.start(flow, "x")).result(SOON) == "x"
            ended += 1
        assert purge.result().runs == 20_000
        assert ended > 5
        assert len((await engine.runs(status=RunStatus.COMPLETED, limit=1000)).runs) == min(ended, 1000)


def effort(connection: sqlite3.Connection, call: Callable[[], object]) -> int:
    """Count what SQLite does in a call, in steps of its virtual machine."""
    ticks = 0

    def tick() -> int:
        nonlocal ticks
        ticks += 1
        return 0

    connection.set_progress_handler(tick, 1)
    call()
    connection.set_progress_handler(None, 0)
    return ticks


def efforts(path: Path) -> dict[str, int]:
    """Count the steps of what an engine does at every start, listing, look-up and purge."""
    writing = _schema.connect(str(path))
    writing.execute(INDEX[0])
    reader, purge = JournalReader(str(path), Sealer(PayloadOptions()), {}), PurgeReader(str(path))
    start = "INSERT INTO runs (key, id, workflow, version, status, created_us) VALUES (999999, 'new', 'w', '1', 'running', 1)"

    listing = RunListing(str(path))

    def page(status: RunStatus | None = None, before: int | None = None) -> object:
        statement = listing.page_statement(RunFilter(status=status), RunOrder.NEWEST, 50, before)
        return listing._connection.execute(*statement).fetchall()

    calls: dict[str, tuple[sqlite3.Connection, Callable[[], object]]] = {
        "page": (listing._connection, page),
        "page by status": (listing._connection, lambda: page(RunStatus.TERMINATED)),
        "open runs": (listing._connection, lambda: page(RunStatus.RUNNING)),
        "page in the middle": (listing._connection, lambda: page(RunStatus.FAILED, 500)),
        "look up": (reader._connection, lambda: reader.by_id("old-500")),
        "last key": (reader._connection, reader.last_key),
        "sleeping": (reader._connection, reader.sleeping),
        "interrupted": (reader._connection, reader.interrupted),
        "due": (purge._connection, lambda: asyncio.run(purge.ended(BEGINNING, 10**15, 50))),
        "due later": (purge._connection, lambda: asyncio.run(purge.ended((500, 0), 10**15, 50))),
        "start": (writing, lambda: writing.execute(start)),
    }
    found = {name: effort(connection, call) for name, (connection, call) in calls.items()}
    writing.close()
    reader.close()
    listing.close()
    purge.close()
    return found


def test_what_has_ended_makes_no_call_slower(tmp_path: Path):
    """Starting, listing, looking up and finding what is due cost the same with 100,000 ended runs as with 1,000."""
    filled(tmp_path / "small.db", 1_000)
    filled(tmp_path / "large.db", 100_000)
    small, large = efforts(tmp_path / "small.db"), efforts(tmp_path / "large.db")
    assert all(small.values())
    assert large == small


async def test_a_reader_in_the_way_only_delays(tmp_path: Path):
    """Somebody reads the file just when it is about to get shorter: it does so once they have done, without another commit."""
    path = tmp_path / "journal.db"
    filled(path, 3_000)
    async with WorkflowEngine(url(tmp_path), workflows=[flow]) as engine:
        full = path.stat().st_size
        with closing(sqlite3.connect(path, isolation_level=None)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM runs").fetchone()
            assert (await engine.purge(older_than=timedelta(days=1))).runs == 3_000
            await asyncio.sleep(0.8)  # it is tidied meanwhile, or else the test shows less
            assert path.stat().st_size == full
            reader.execute("COMMIT")
        await until(lambda: path.stat().st_size < full / 2)
