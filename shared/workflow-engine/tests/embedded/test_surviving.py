"""Restarts, kills, full disks, foreign files: what was acknowledged is there afterwards, exactly once."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import timedelta
from pathlib import Path

import pytest

from maestro_workflow_engine import (
    JournalCorruptError,
    JournalError,
    JournalLockedError,
    JournalVersionError,
    JournalWriteError,
    NonDeterminismError,
    RetryPolicy,
    RunStatus,
    WorkflowEndedError,
    WorkflowEngine,
    receive,
    step,
    step_info,
    workflow,
)
from maestro_workflow_engine.embedded._runner import EmbeddedRunner

SOON = timedelta(seconds=20)


def url(folder: Path) -> str:
    return f"sqlite:///{folder}/journal.db"


@contextmanager
def full_disk(engine: WorkflowEngine) -> Iterator[None]:
    runner = engine._runner
    assert isinstance(runner, EmbeddedRunner)
    connection = runner._opened.journal._connection
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages}")
    try:
        yield
    finally:
        connection.execute("PRAGMA max_page_count = 1000000")


async def test_waiting_runs_leave_memory_and_come_back_when_something_happens():
    """With room for two, two hundred waiting runs all end: by signal, by timer, and by their children."""

    @workflow
    async def naps(n: int) -> int:
        await asyncio.sleep(0.05)
        return n

    @workflow
    async def waits(n: int) -> int:
        got = int(await receive("n"))
        return got + await naps(n)

    async with WorkflowEngine("sqlite://", workflows=[waits, naps], max_workflows_in_memory=2) as engine:
        handles = [await engine.start(waits, n, id=f"r{n}") for n in range(100)]
        runner = engine._runner
        assert isinstance(runner, EmbeddedRunner)
        assert len(runner._opened.core.residents.by_key) <= 3
        assert (await handles[5].status()).waiting_for[0].name == "n"
        await asyncio.gather(*(handle.signal("n", 1000) for handle in handles))
        assert [await handle.result(SOON) for handle in handles] == [1000 + n for n in range(100)]


async def test_a_run_whose_workflow_is_missing_waits_for_it_and_says_so(tmp_path: Path):
    """A forgotten registration stops the run, not the engine; registering it lets the run go on."""

    @workflow
    async def late() -> str:
        return str(await receive("go"))

    async with WorkflowEngine(url(tmp_path), workflows=[late]) as engine:
        await engine.start(late, id="r")
    async with WorkflowEngine(url(tmp_path)) as engine:
        handle = engine.handle("r")
        await handle.signal("go", "kept")
        detail = await handle.status()
        assert detail.status is RunStatus.RUNNING
        assert detail.problem is not None
        assert "'late' is not registered" in detail.problem
        engine.register(late)
        assert await handle.result(SOON) == "kept"


async def test_changed_code_stops_the_run_and_names_the_place(tmp_path: Path):
    """A replay that takes another path leaves the run as it is, with the reason in its status."""

    @step
    async def a() -> None: ...

    @step
    async def b() -> None: ...

    @workflow(name="flow")
    async def old() -> None:
        await a()
        await receive("go")

    @workflow(name="flow")
    async def new() -> None:
        await b()
        await receive("go")

    async with WorkflowEngine(url(tmp_path), workflows=[old]) as engine:
        handle = await engine.start(old, id="r")
        while len(await handle.history()) < 2:
            await asyncio.sleep(0.001)
    async with WorkflowEngine(url(tmp_path), workflows=[new]) as engine:
        await engine.handle("r").signal("go")
        problem = (await engine.handle("r").status()).problem
        assert problem == str(NonDeterminismError("r", 1, "step 'a'", "step 'b'"))
    async with WorkflowEngine(url(tmp_path), workflows=[old]) as engine:
        await engine.handle("r").result(SOON)


WORKER = textwrap.dedent(
    """
    import asyncio, os, sys
    from maestro_workflow_engine import WorkflowEngine, step, workflow

    folder, count = sys.argv[1], int(sys.argv[2])

    @step
    async def record(run: int, part: int) -> int:
        with open(f"{folder}/effects", "a") as file:
            file.write(f"{run}.{part}\\n")
        return part

    @workflow
    async def flow(run: int) -> int:
        total = 0
        for part in range(4):
            total += await record(run, part)
            await asyncio.sleep(0.001)
        return total

    async def main() -> None:
        async with WorkflowEngine(f"sqlite:///{folder}/journal.db", workflows=[flow]) as engine:
            for run in range(count):
                await engine.start(flow, run, id=f"r{run}")
                print(f"started {run}", flush=True)
            for run in range(count):
                assert await engine.handle(f"r{run}").result() == 6
            print("finished", flush=True)

    asyncio.run(main())
    """
)


def test_killed_again_and_again_nothing_acknowledged_is_lost_or_repeated(tmp_path: Path):
    """SIGKILL at random moments: every acknowledged start ends, and no step whose result was journalled runs again."""
    script = tmp_path / "worker.py"
    script.write_text(WORKER)
    count, acknowledged = 60, 0

    def launch() -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, str(script), str(tmp_path), str(count)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    for lines_to_wait in (3, 30, 60):
        process = launch()
        assert process.stdout is not None
        for _ in range(lines_to_wait):
            acknowledged = max(acknowledged, int(process.stdout.readline().removeprefix("started ")))
        before = journalled_steps(tmp_path / "journal.db")
        process.send_signal(signal.SIGKILL)
        process.communicate()
        effects_before = (tmp_path / "effects").read_text().splitlines() if (tmp_path / "effects").exists() else []
        repeated = launch()
        assert repeated.stdout is not None
        repeated.stdout.readline()
        repeated.send_signal(signal.SIGKILL)
        repeated.communicate()
        fresh = (tmp_path / "effects").read_text().splitlines()[len(effects_before) :]
        assert not before.intersection(fresh)
    process = launch()
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert "finished" in output
    effects = (tmp_path / "effects").read_text().splitlines()
    assert acknowledged == count - 1
    assert set(effects) == {f"{run}.{part}" for run in range(count) for part in range(4)}


def journalled_steps(journal: Path) -> set[str]:
    with sqlite3.connect(journal) as connection:
        rows = connection.execute(
            "SELECT json_extract(event, '$.input.run') || '.' || json_extract(event, '$.input.part') FROM history"
            " WHERE json_extract(event, '$.type') = 'step_completed'"
        ).fetchall()
    connection.close()
    return {row[0] for row in rows}


async def test_a_full_disk_refuses_new_work_keeps_finished_work_and_recovers(tmp_path: Path):
    """While the journal cannot grow, starts fail clearly; results of steps wait and are written once there is room."""
    release = asyncio.Event()

    @step
    async def waits() -> str:
        await release.wait()
        return "x" * 200_000

    @workflow
    async def flow() -> int:
        return len(await waits())

    async with WorkflowEngine(url(tmp_path), workflows=[flow]) as engine:
        handle = await engine.start(flow, id="r")
        runner = engine._runner
        assert isinstance(runner, EmbeddedRunner)
        connection = runner._opened.journal._connection
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages + 2}")
        release.set()
        while engine.failure is None:
            await asyncio.sleep(0.001)
        with pytest.raises(JournalWriteError, match="full"):
            await engine.start(flow, id="refused")
        assert (await handle.status()).status is RunStatus.RUNNING
        connection.execute("PRAGMA max_page_count = 1000000")
        assert await handle.result(SOON) == 200_000
        assert engine.failure is None
        assert await (await engine.start(flow, id="refused")).result(SOON) == 200_000


@pytest.mark.parametrize("ask", ["signal", "update", "cancel", "pause", "terminate"])
async def test_a_run_that_died_before_its_end_was_written_answers_whoever_asks_it(tmp_path: Path, ask: str):
    """Its end comes when it is taken up; who brings that about by asking something of it is told so, and not left waiting."""

    @workflow
    async def waits() -> str:
        return str(await receive("go"))

    async with WorkflowEngine(url(tmp_path), workflows=[waits]) as engine:
        handle = await engine.start(waits, id="r")
        await handle.signal("go", "done")
        assert await handle.result(SOON) == "done"
    # What a process leaves that dies after the signal is on disk, of a run that was asleep there until then.
    with sqlite3.connect(tmp_path / "journal.db") as connection:
        connection.execute("DELETE FROM history WHERE json_extract(event, '$.type') = 'run_completed'")
        connection.execute("UPDATE runs SET status = 'running', finished_us = NULL, parked = 1")
    connection.close()

    async with WorkflowEngine(url(tmp_path), workflows=[waits]) as engine:
        handle = engine.handle("r")
        asked = {
            "signal": lambda: handle.signal("go", "again"),
            "update": lambda: handle.update("add", 1),
            "cancel": handle.cancel,
            "pause": handle.pause,
            "terminate": handle.terminate,
        }[ask]
        async with asyncio.timeout(SOON.total_seconds()):
            if ask in {"cancel", "terminate"}:
                await asked()
            else:
                with pytest.raises(WorkflowEndedError):
                    await asked()
            assert await handle.result() == "done"


async def test_what_a_full_disk_has_refused_leaves_no_run_asleep(tmp_path: Path):
    """A signal that was refused and sent again wakes its run for good: a process that dies then leaves it at work."""
    at_work, release, copy = asyncio.Event(), asyncio.Event(), tmp_path / "copy.db"

    @step
    async def working() -> str:
        at_work.set()
        await release.wait()
        return "done"

    @workflow
    async def waits() -> str:
        await receive("go")
        return await working()

    async with WorkflowEngine(url(tmp_path), workflows=[waits], max_workflows_in_memory=1) as engine:
        asleep, _ = [await engine.start(waits, id=name) for name in ("asleep", "awake")]
        with full_disk(engine), pytest.raises(JournalWriteError):
            await asleep.signal("go", "x" * 200_000)
        async with asyncio.timeout(SOON.total_seconds()):
            while not at_work.is_set():
                with suppress(JournalWriteError):  # it recovers by itself
                    await asleep.signal("go")
                    await at_work.wait()
        with closing(sqlite3.connect(tmp_path / "journal.db")) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)  # what a process leaves that dies now
        release.set()
    async with WorkflowEngine(f"sqlite:///{copy}", workflows=[waits]) as engine:
        assert await engine.handle("asleep").result(SOON) == "done"


async def test_a_second_engine_on_the_same_journal_is_refused_by_process(tmp_path: Path):
    """Two engines on one file would run every step twice: the second is refused and told who has it."""
    async with WorkflowEngine(url(tmp_path)):
        with pytest.raises(JournalLockedError) as caught:
            await WorkflowEngine(url(tmp_path)).__aenter__()
        assert caught.value.pid == os.getpid()
    async with WorkflowEngine(url(tmp_path)):
        pass


async def test_a_damaged_or_foreign_file_is_left_untouched(tmp_path: Path):
    """What is no journal, or no longer one, or from a newer release, is named and not written to."""
    journal = tmp_path / "journal.db"
    cases: list[tuple[bytes, type[JournalError]]] = [
        (b"not a database at all, but long enough to look at\n" * 100, JournalCorruptError)
    ]
    with sqlite3.connect(tmp_path / "foreign.db") as connection:
        connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    cases.append(((tmp_path / "foreign.db").read_bytes(), JournalCorruptError))
    async with WorkflowEngine(f"sqlite:///{tmp_path}/newer.db"):
        pass
    with sqlite3.connect(tmp_path / "newer.db") as connection:
        connection.execute("PRAGMA user_version = 99")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    cases.append(((tmp_path / "newer.db").read_bytes(), JournalVersionError))
    for content, expected in cases:
        journal.write_bytes(content)
        with pytest.raises(expected):
            await WorkflowEngine(url(tmp_path)).__aenter__()
        assert journal.read_bytes() == content
    with pytest.raises(JournalError, match="folder does not exist"):
        await WorkflowEngine(f"sqlite:///{tmp_path}/nowhere/journal.db").__aenter__()


async def test_many_runs_share_one_commit():
    """Group commit: what gathers while one commit is under way goes to disk with the next."""

    @step
    async def work() -> None: ...

    @workflow
    async def flow() -> None:
        await work()

    async with WorkflowEngine("sqlite://", workflows=[flow]) as engine:
        handles = await asyncio.gather(*(engine.start(flow) for _ in range(500)))
        await asyncio.gather(*(handle.result(SOON) for handle in handles))
        runner = engine._runner
        assert isinstance(runner, EmbeddedRunner)
        assert runner._opened.journal.commits < 500


async def test_a_run_whose_retry_has_begun_is_not_put_to_sleep():
    """A run that waits for a retry may leave memory; once the attempt runs it may not, however crowded it gets."""

    @step(retry=RetryPolicy(max_attempts=2, initial_interval=timedelta(milliseconds=2)))
    async def second_time() -> str:
        if step_info().attempt == 1:
            raise OSError("at first")
        await asyncio.sleep(0.005)
        return "done"

    @workflow
    async def flow() -> str:
        return await second_time()

    @workflow
    async def crowd() -> None:
        await asyncio.sleep(0.002)

    async with WorkflowEngine("sqlite://", workflows=[flow, crowd], max_workflows_in_memory=1) as engine:
        handles = [await engine.start(flow if n % 2 else crowd) for n in range(60)]
        for handle in handles:
            await handle.result(SOON)


def modes_of(folder: Path) -> dict[str, int]:
    return {name: stat.S_IMODE((folder / name).stat().st_mode) for name in ("journal.db", "journal.db-wal")}


async def test_a_new_journal_is_for_its_owner_alone(tmp_path: Path):
    """Whatever the umask says, nobody else may read the payloads, in the file or in its log."""
    old = os.umask(0)
    try:
        async with WorkflowEngine(f"sqlite:///{tmp_path}/journal.db") as engine:
            assert engine.workflows == []
            modes = modes_of(tmp_path)
    finally:
        os.umask(old)
    assert modes == {"journal.db": 0o600, "journal.db-wal": 0o600}
