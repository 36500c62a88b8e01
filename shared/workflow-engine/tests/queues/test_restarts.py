"""What waits survives: restarts, exports, forks, retries, and a process that dies at any moment."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
import textwrap
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from maestro_workflow_engine import (
    Debounce,
    JournalCorruptError,
    Queue,
    Rate,
    RunStatus,
    Singleton,
    SingletonPolicy,
    StartOptions,
    WorkflowEngine,
    check_journal,
    receive,
    replay,
    rescue_journal,
    step,
    workflow,
)

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
broken = [True]


@workflow
async def waits(what: str = "") -> str:
    return f"{what} {await receive('go')}"


@workflow
async def job(what: str) -> str:
    await asyncio.sleep(60)
    return what


@step
async def may_break() -> str:
    if broken[0]:
        raise ValueError("broken")
    return "fine"


@workflow
async def fragile() -> str:
    first = await may_break()
    return f"{first} {await receive('go')}"


def queued(**options: Any) -> StartOptions:
    return StartOptions(queue="q", **options)


def engine(folder: Path, *queues: Queue, name: str = "journal", **options: Any) -> Any:
    url = f"sqlite:///{folder}/{name}.db"
    return WorkflowEngine.test([waits, job, fragile], url=url, queues=queues or [Queue("q", concurrency=1)], **options)


async def test_a_line_is_the_same_after_a_restart(tmp_path: Path):
    """Who had begun still counts; who waited waits on, in the same order, with changed priorities and pauses."""
    async with engine(tmp_path) as eng:
        await eng.start(waits, id="first", options=queued())
        for name in ("second", "third", "fourth", "fifth"):
            await eng.start(waits, id=name, options=queued())
        await eng.handle("fourth").reprioritize(0)
        await eng.handle("second").pause()
        await eng.handle("fifth").signal("go", "early")
    for name in ("first", "fourth", "third", "fifth"):
        async with engine(tmp_path) as eng:
            await eng.time.sleep(SECOND)
            running = {run.id for run in (await eng.runs(status="running")).runs}
            if name != "fifth":
                assert running == {name}
                await eng.handle(name).signal("go", "now")
            assert await eng.handle(name).result() == (" early" if name == "fifth" else " now")
    async with engine(tmp_path) as eng:
        assert (await eng.handle("second").status()).status is RunStatus.PAUSED
        await eng.handle("second").resume()
        await eng.handle("second").signal("go", "late")
        assert await eng.handle("second").result() == " late"


async def test_a_paused_queue_stays_paused(tmp_path: Path):
    """A restart is no way around a pause."""
    async with engine(tmp_path) as eng:
        await eng.queue("q").pause("maintenance")
        await eng.start(job, "x", id="r", options=queued())
    async with engine(tmp_path) as eng:
        await eng.time.sleep(SECOND)
        described = await eng.queue("q").describe()
        assert (described.paused, described.note, described.waiting) == (True, "maintenance", 1)
        await eng.queue("q").resume()
    async with engine(tmp_path) as eng:
        assert await eng.handle("r").result() == "x"


async def test_a_rate_remembers_over_a_restart(tmp_path: Path):
    """What began shortly before counts; with a clock that was set back it counts as having begun just now."""
    rate = Queue("q", rate=Rate(2, per=MINUTE))
    async with engine(tmp_path, rate) as eng:
        start = eng.time.now()
        for number in range(4):
            await eng.start(waits, id=f"r{number}", options=queued())
        await eng.time.sleep(30 * SECOND)
    async with engine(tmp_path, rate, start_time=start + 30 * SECOND) as eng:
        await eng.time.sleep(29 * SECOND)
        assert len((await eng.runs(status="queued")).runs) == 2
        await eng.time.sleep(2 * SECOND)
        assert len((await eng.runs(status="running")).runs) == 4
        await eng.start(waits, id="r4", options=queued())
    async with engine(tmp_path, rate, start_time=start - timedelta(days=1)) as eng:
        await eng.time.sleep(59 * SECOND)
        assert len((await eng.runs(status="queued")).runs) == 1
        await eng.time.sleep(2 * SECOND)
        assert not (await eng.runs(status="queued")).runs


async def test_runs_of_a_queue_that_is_gone_wait_and_say_so(tmp_path: Path):
    """Nothing is lost when a declaration is forgotten; declared again, the runs begin."""
    async with engine(tmp_path) as eng:
        blocker = await eng.start(waits, id="b", options=queued())
        await eng.start(job, "x", id="r", options=queued())
        await eng.time.sleep(SECOND)
        assert (await blocker.status()).status is RunStatus.RUNNING
    async with engine(tmp_path, Queue("other")) as eng:
        await eng.handle("b").signal("go")
        await eng.time.sleep(SECOND)
        detail = await eng.handle("r").status()
        assert detail.status is RunStatus.QUEUED
        assert "declared are other" in (detail.problem or "")
        gone, other = sorted(await eng.queues(), key=lambda queue: queue.queue is not None)
        assert (gone.name, gone.queue, gone.waiting, other.problem) == ("q", None, 1, None)
        assert "declared are other" in (gone.problem or "")
        eng.declare_queue(Queue("q"))
        assert await eng.handle("r").result() == "x"


async def test_delays_and_keys_survive(tmp_path: Path):
    """A delay counts on, a debounce takes further inputs, and a singleton is held by whoever held it."""
    debounce = StartOptions(debounce=Debounce("d", MINUTE))
    once = StartOptions(singleton=Singleton("s", SingletonPolicy.WAIT))
    async with engine(tmp_path) as eng:
        start = eng.time.now()
        await eng.start(waits, id="delayed", options=StartOptions(delay=timedelta(hours=1)))
        first = await eng.start(job, "1", options=debounce)
        await eng.start(job, "2", options=debounce)
        await eng.start(waits, id="holder", options=once)
        await eng.start(waits, id="next", options=once)
        await eng.time.sleep(30 * SECOND)
    async with engine(tmp_path, start_time=start + 30 * SECOND) as eng:
        assert (await eng.start(job, "3", options=debounce)).id == first.id
        assert await eng.handle(first.id).result() == "3"
        assert eng.time.now() == start + 30 * SECOND + MINUTE + MINUTE
        found = await eng.start(waits, options=StartOptions(singleton=Singleton("s")))
        assert found.id == "holder"
        assert (await eng.handle("next").status()).status is RunStatus.QUEUED
        await eng.handle("holder").signal("go")
        await eng.time.sleep(SECOND)
        assert (await eng.handle("next").status()).status is RunStatus.RUNNING
        assert (await eng.handle("delayed").status()).status is RunStatus.QUEUED
        await eng.time.sleep(timedelta(hours=1))
        assert (await eng.handle("delayed").status()).status is RunStatus.RUNNING


async def test_a_debounce_counts_from_the_last_start_over_a_restart(tmp_path: Path):
    """The time that a further start gave it is on disk with its input."""
    options = StartOptions(debounce=Debounce("d", MINUTE))
    async with engine(tmp_path) as eng:
        start = eng.time.now()
        handle = await eng.start(job, "1", options=options)
        await eng.time.sleep(20 * SECOND)
        await eng.start(job, "2", options=options)
    async with engine(tmp_path, start_time=start + 30 * SECOND) as eng:
        assert await eng.handle(handle.id).result() == "2"
        admitted = next(event for event in await eng.handle(handle.id).history() if event.type == "run_admitted")
        assert admitted.time == start + 80 * SECOND


async def test_an_exported_run_waits_in_the_other_journal(tmp_path: Path):
    """One that had not begun waits there, one that had counts there; replay knows both."""
    async with engine(tmp_path, Queue("q", concurrency=2)) as eng:
        for number in range(3):
            await eng.start(waits, str(number), id=f"r{number}", options=queued())
        await eng.handle("r2").signal("go", "early")
        await eng.time.sleep(SECOND)
        documents = [await eng.handle(f"r{number}").export_history() for number in range(3)]
    assert [replay(document, waits).status for document in documents] == [
        RunStatus.RUNNING,
        RunStatus.RUNNING,
        RunStatus.QUEUED,
    ]
    async with engine(tmp_path, name="other") as eng:
        for document in (documents[2], documents[0], documents[1]):
            await eng.import_run(document)
            await eng.time.sleep(SECOND)
        statuses = [(await eng.handle(f"r{number}").status()).status for number in range(3)]
        assert statuses == [RunStatus.RUNNING, RunStatus.RUNNING, RunStatus.COMPLETED]
        assert (await eng.queue("q").describe()).running == 2  # nobody is stopped for a limit
        late = await eng.start(job, "x", options=queued())
        for number in range(2):
            await eng.handle(f"r{number}").signal("go")
        assert await late.result() == "x"


async def test_forks_and_retries_go_on_at_once_and_count(tmp_path: Path):
    """They hold a place of the queue, even one too many; the next waits for them."""
    broken[0] = True
    async with engine(tmp_path) as eng:
        failed = await eng.start(fragile, id="r", options=queued())
        await eng.time.sleep(SECOND)
        assert (await failed.status()).status is RunStatus.FAILED
        broken[0] = False
        await failed.retry()
        await eng.time.sleep(SECOND)
        fork = await eng.fork("r", step=1, id="f")
        waiting = await eng.start(job, "x", options=queued())
        await eng.time.sleep(SECOND)
        assert (await eng.queue("q").describe()).running == 2
    async with engine(tmp_path) as eng:
        await eng.time.sleep(SECOND)
        described = await eng.queue("q").describe()
        assert (described.running, described.waiting) == (2, 1)
        for run_id in ("r", fork.id):
            await eng.handle(run_id).signal("go", "went")
            assert await eng.handle(run_id).result() == "fine went"
        assert await eng.handle(waiting.id).result() == "x"


WORKER = textwrap.dedent(
    """
    import asyncio, os, sys
    from datetime import timedelta
    from maestro_workflow_engine import *
    from maestro_workflow_engine.embedded import _crash_points

    folder, runs = sys.argv[1], int(sys.argv[2])
    running = set()

    def record(line):
        file = os.open(folder + "/record", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.write(file, (line + "\\n").encode())
        os.close(file)

    @step
    async def act(name: str) -> str:
        record(f"{step_info().idempotency_key} {name}")
        return name

    @workflow
    async def flow(name: str) -> str:
        run = info().run_id
        await act(name)
        await asyncio.sleep(0.001)
        return await act(name + " again")

    def options(number):
        if number % 5 == 4:
            return StartOptions(singleton=Singleton(f"k{number % 2}", SingletonPolicy.WAIT))
        return StartOptions(queue="q", priority=number % 3, tenant=str(number % 4),
                            delay=timedelta(milliseconds=number % 7))

    async def main():
        if len(sys.argv) > 3:
            _crash_points.arm(sys.argv[3], int(sys.argv[4]))
        queue = Queue("q", concurrency=3, per_tenant=2, rate=Rate(40, per=timedelta(milliseconds=50)))
        async with WorkflowEngine(f"sqlite:///{folder}/journal.db", workflows=[flow], queues=[queue],
                                  max_workflows_in_memory=4) as engine:
            async def one(number):
                handle = await engine.start(flow, f"r{number}", id=f"r{number}", options=options(number))
                record(f"acknowledged r{number}")
                assert await handle.result() == f"r{number} again"
                anew = StartOptions(queue="q", if_ended=Reuse.START_ANEW)
                await engine.start(flow, "anew", id=f"a{number % 3}", options=anew)
            await asyncio.gather(*(one(number) for number in range(runs)))
            while (await engine.runs(status="running")).runs or (await engine.runs(status="queued")).runs:
                await asyncio.sleep(0.01)
            while (await engine.queue("q").describe()).running:
                await asyncio.sleep(0.01)  # the disk is ahead of memory for a moment
            print("finished")

    asyncio.run(main())
    """
)


@pytest.mark.parametrize("point", ["before-commit", "after-commit", "before-apply", "after-apply", "run-ending"])
def test_killed_at_every_boundary_each_acknowledged_run_is_there_exactly_once(tmp_path: Path, point: str):
    """SIGKILL at a crash point, several times in a row at different moments; then everything ends, once, within its limits."""
    script = tmp_path / "worker.py"
    script.write_text(WORKER)
    command = [sys.executable, str(script), str(tmp_path), "20"]
    kills = 0
    for hits in (3, 7, 15):  # the last may find everything done before it is reached
        killed = subprocess.run([*command, point, str(hits)], capture_output=True, timeout=60, check=False)
        assert killed.returncode in (-9, 0), killed.stderr
        kills += killed.returncode == -9
    assert kills >= 2
    finished = subprocess.run(command, capture_output=True, timeout=60, check=False, text=True)
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout == "finished\n"
    lines = (tmp_path / "record").read_text().splitlines()
    done = {line.split(" ", 1)[1] for line in lines if "/" in line.split(" ", 1)[0]}
    acknowledged = {line.split(" ")[1] for line in lines if line.startswith("acknowledged")}
    assert acknowledged == {f"r{number}" for number in range(20)}
    assert {f"r{number} again" for number in range(20)} <= done
    names_by_key: dict[str, set[str]] = {}
    for line in lines:
        key, name = line.split(" ", 1)
        if "/" in key:
            names_by_key.setdefault(key, set()).add(name)
    assert all(len(names) == 1 for names in names_by_key.values())  # a key never stands for two things
    ids = Counter(key.split("/")[0] for key in names_by_key)
    assert set(ids) == {f"r{number}" for number in range(20)} | {f"a{number}" for number in range(3)}


async def test_a_rescue_reads_runs_that_wait(tmp_path: Path):
    """A journal with queues is sound, and what waits in it is rescued like every run."""
    async with engine(tmp_path) as eng:
        await eng.start(waits, "a", id="first", options=queued())
        await eng.start(waits, "b", id="second", options=queued())
        await eng.time.sleep(SECOND)
    path = tmp_path / "journal.db"
    assert check_journal(path).is_sound
    with rescue_journal(path) as rescue:
        documents = {document["run_id"]: document for document in rescue.runs()}
    assert {run_id: replay(document, waits).status for run_id, document in documents.items()} == {
        "first": RunStatus.RUNNING,
        "second": RunStatus.QUEUED,
    }


async def test_a_damaged_place_is_named_and_nothing_is_changed(tmp_path: Path):
    """The engine does not guess what a run waits for."""
    async with engine(tmp_path) as eng:
        await eng.start(waits, "a", id="first", options=queued())
    path = tmp_path / "journal.db"
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE places SET settings = X'7b'")
    connection.close()
    with pytest.raises(JournalCorruptError, match="place of run 1"):
        await engine(tmp_path).__aenter__()
