"""Pausing whole workflows: every run of one, those to come included."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from maestro_workflow_engine import (
    AesGcmCodec,
    CronSpec,
    JournalWriteError,
    Overlap,
    PausedWorkflow,
    PayloadError,
    RetryPolicy,
    RunFilter,
    RunStatus,
    StartOptions,
    WorkflowEngine,
    WorkflowFailedError,
    WorkflowNotFoundError,
    WorkflowTerminatedError,
    on_update,
    receive,
    set_attributes,
    step,
    workflow,
)
from maestro_workflow_engine.embedded._journal import Write
from maestro_workflow_engine.embedded._runner import EmbeddedRunner

SOON = timedelta(seconds=20)
START = datetime(2030, 1, 1, tzinfo=UTC)
ran: list[str] = []


@pytest.fixture(autouse=True)
def _fresh():
    ran.clear()


@step
async def work(name: str) -> str:
    ran.append(name)
    return name


@workflow(version="1.0.0")
async def fulfil(name: str) -> list[object]:
    set_attributes(stage="first")
    first = await work(f"{name}-first")
    got = await receive("go")
    return [first, got, await work(f"{name}-last")]


@workflow(name="fulfil", version="2.0.0")
async def fulfil2(name: str) -> str:
    return await work(f"{name}-two")


@workflow
async def naps(seconds: float) -> str:
    await asyncio.sleep(seconds)
    return await work(f"woke {seconds:g}")


def url(folder: Path) -> str:
    return f"sqlite:///{folder}/journal.db"


def runner(engine: WorkflowEngine) -> EmbeddedRunner:
    found = engine._runner
    assert isinstance(found, EmbeddedRunner)
    return found


async def until_asleep(engine: WorkflowEngine, most: int) -> None:
    async with asyncio.timeout(SOON.total_seconds()):
        while len(runner(engine)._opened.core.residents.by_key) > most:  # type: ignore[union-attr]  it is open
            await asyncio.sleep(0.001)


async def test_nothing_of_a_paused_workflow_starts_until_it_is_resumed(tmp_path: Path):
    """Runs there are, new ones and what is sent to them wait, over a restart too, and say for what; then all goes on."""
    async with WorkflowEngine(url(tmp_path), workflows=[fulfil, naps]) as engine:
        old = await engine.start(fulfil, "old", id="old")
        while ran != ["old-first"] or len(await old.history()) < 3:
            await asyncio.sleep(0.001)
        await engine.pause_workflow(fulfil, reason="deploying")
        new = await engine.start(fulfil, "new", id="new", options=StartOptions(attributes={"a": 1}))
        await old.signal("go", "went")
        await (await engine.start(naps, 0)).result(SOON)  # another workflow goes on
        (paused,) = await engine.paused_workflows()
        assert (paused.workflow, paused.version, paused.reason) == ("fulfil", None, "deploying")
        for handle in (old, new):
            detail = await handle.status()
            assert (detail.status, detail.paused_with) == (RunStatus.RUNNING, paused)
        assert (await engine.runs(attributes={"a": 1})).runs[0].id == "new"
    async with WorkflowEngine(url(tmp_path), workflows=[fulfil, naps]) as engine:
        assert await engine.paused_workflows() == [paused]
        await engine.handle("new").signal("go", "went too")
        await (await engine.start(naps, 0)).result(SOON)
        assert ran == ["old-first", "woke 0", "woke 0"]
        assert (await engine.handle("old").status()).paused_with == paused
        await engine.resume_workflow("fulfil")
        assert await engine.handle("old").result(SOON) == ["old-first", "went", "old-last"]
        assert await engine.handle("new").result(SOON) == ["new-first", "went too", "new-last"]
        assert await engine.paused_workflows() == []
        assert (await engine.handle("new").status()).paused_with is None
    assert sorted(ran[3:]) == ["new-first", "new-last", "old-last"]


async def test_an_attempt_under_way_finishes_and_its_result_is_kept(tmp_path: Path):
    """It is not stopped and not repeated; what it failed with waits for its next attempt until the workflow goes on."""
    started, release = asyncio.Event(), asyncio.Event()

    @step(retry=RetryPolicy(max_attempts=2, initial_interval=timedelta(milliseconds=1)))
    async def slow(name: str) -> str:
        ran.append(name)
        started.set()
        await release.wait()
        if name == "fails" and ran.count(name) == 1:
            raise OSError("at first")
        return name

    @workflow
    async def both() -> list[str]:
        return [*await asyncio.gather(slow("works"), slow("fails")), await work("after")]

    async with WorkflowEngine(url(tmp_path), workflows=[both]) as engine:
        handle = await engine.start(both, id="r")
        await started.wait()
        await engine.pause_workflow("both")
        release.set()
        while len(await handle.history()) < 3:
            await asyncio.sleep(0.001)
        assert sorted(event.type for event in await handle.history()) == [
            "run_started",
            "step_completed",
            "step_retrying",
        ]
    async with WorkflowEngine(url(tmp_path), workflows=[both]) as engine:
        await engine.resume_workflow("both")
        assert await engine.handle("r").result(SOON) == ["works", "fails", "after"]
    assert ran == ["works", "fails", "fails", "after"]


async def test_pausing_and_resuming_again_and_again_repeats_nothing():
    """However a pause falls on what is being written, every step runs once and every change is journalled once."""

    @workflow
    async def busy(name: str) -> int:
        for number in range(15):
            set_attributes(number=number)
            await asyncio.gather(work(f"{name}.{number}"), asyncio.sleep(0.0005))
        return number

    async with WorkflowEngine("sqlite://", workflows=[busy], max_workflows_in_memory=2) as engine:
        handles = [await engine.start(busy, f"r{n}", id=f"r{n}") for n in range(8)]

        async def interfere() -> None:
            while True:
                await engine.pause_workflow(busy)
                await asyncio.sleep(0.001)
                await engine.resume_workflow(busy)
                await asyncio.sleep(0.002)

        interfering = asyncio.create_task(interfere())
        try:
            assert [await handle.result(SOON) for handle in handles] == [14] * 8
        finally:
            interfering.cancel()
        for handle in handles:
            types = [event.type for event in await handle.history()]
            assert (types.count("attributes_set"), types.count("step_completed")) == (15, 15)
    assert len(ran) == len(set(ran)) == 15 * 8


async def test_a_run_goes_on_only_once_nothing_is_being_written_for_it(monkeypatch: pytest.MonkeyPatch):
    """A result that is on its way to the disk when the pause ends is waited for: its step does not run a second time."""
    started, release = asyncio.Event(), asyncio.Event()

    @step
    async def slow() -> str:
        ran.append("slow")
        started.set()
        await release.wait()
        return "done"

    @workflow
    async def flow() -> list[str]:
        return [await slow(), await work("after")]

    async with WorkflowEngine("sqlite://", workflows=[flow]) as engine:
        opened = runner(engine)._opened
        assert opened is not None
        submit, underway = opened.uploads.submit, list[Write]()

        def hold_back(write: Write) -> None:
            if any(b"step_completed" in event for _, _, event in write.events) and not underway:
                underway.append(write)
            else:
                submit(write)

        monkeypatch.setattr(opened.uploads, "submit", hold_back)
        handle = await engine.start(flow)
        await started.wait()
        await engine.pause_workflow(flow)
        release.set()
        async with asyncio.timeout(SOON.total_seconds()):
            while not underway:
                await asyncio.sleep(0.001)
            await engine.resume_workflow(flow)
            while runner(engine).pausing._taking_up:
                await asyncio.sleep(0.001)
        submit(underway[0])
        assert await handle.result(SOON) == ["done", "after"]
    assert ran == ["slow", "after"]


async def test_a_clock_that_was_set_back_loses_no_timer(monkeypatch: pytest.MonkeyPatch):
    """A timer rang while its workflow was paused; when the pause ends the clock says that this is still to come."""
    async with WorkflowEngine.test([naps, fulfil], start_time=START, max_workflows_in_memory=1) as engine:
        await engine.start(naps, 3600.0, id="n")
        await (await engine.start(fulfil, "x")).signal("other")  # there is room for one: the other has left memory
        await engine.time.sleep(timedelta(minutes=1))
        opened = runner(engine)._opened
        assert opened is not None
        assert "n" not in opened.core.residents.by_id
        await engine.pause_workflow(naps)
        await engine.time.sleep(timedelta(hours=2))
        early = opened.clock.now_us() - 7_000_000_000
        with monkeypatch.context() as patch:
            patch.setattr(opened.clock, "now_us", lambda: early)
            await engine.resume_workflow(naps)
            async with asyncio.timeout(SOON.total_seconds()):
                while runner(engine).pausing._taking_up:
                    await asyncio.sleep(0)
            assert "n" in opened.core.residents.by_id
        assert await engine.handle("n").result(timedelta(hours=2)) == "woke 3600"


async def test_timers_that_fall_due_fire_when_the_workflow_is_resumed():
    """In virtual time: due ones at once, the others at their time; a run that is not of the workflow is not kept."""
    async with WorkflowEngine.test([naps, fulfil], start_time=START, max_workflows_in_memory=1) as engine:
        for hours in (1, 2, 30):
            await engine.start(naps, hours * 3600.0, id=f"n{hours}")
        await engine.pause_workflow(naps)
        await engine.time.sleep(timedelta(hours=24))
        assert ran == []
        await engine.resume_workflow(naps)
        await engine.time.sleep(timedelta(hours=1))
        assert sorted(ran) == ["woke 3600", "woke 7200"]
        assert await engine.handle("n30").result(timedelta(hours=6)) == "woke 108000"


async def test_timers_are_kept_by_a_pause_over_a_restart(tmp_path: Path):
    """Asleep when the pause began or started in it, due in it or later, resumed by another process: none is lost."""
    options = {"workflows": [naps], "url": url(tmp_path), "max_workflows_in_memory": 2}
    async with WorkflowEngine.test(start_time=START, **options) as engine:
        for number in range(6):
            await engine.start(naps, 60.0 + number, id=f"early{number}")
        await engine.pause_workflow(naps)
        for number in range(6):
            await engine.start(naps, 7200.0, id=f"late{number}")
        await engine.time.sleep(timedelta(minutes=2))
    async with WorkflowEngine.test(start_time=START + timedelta(hours=1), **options) as engine:
        await engine.time.sleep(timedelta(minutes=10))
        assert ran == []
        await engine.resume_workflow(naps)
        await engine.time.sleep(timedelta(minutes=1))
        assert len(ran) == 6
        for name in ("early", "late"):
            for number in range(6):
                assert await engine.handle(f"{name}{number}").result(timedelta(hours=2))
        assert len(ran) == 12


async def test_a_process_that_dies_right_after_the_pause_ends_takes_every_run_up_again(tmp_path: Path):
    """The row of the pause is gone, no run has gone on: the next opening finds them by how they left memory."""
    async with WorkflowEngine(url(tmp_path), workflows=[fulfil], max_workflows_in_memory=1) as engine:
        await engine.pause_workflow(fulfil)
        for number in range(5):
            handle = await engine.start(fulfil, f"r{number}", id=f"r{number}")
            await handle.signal("go")
        opened = runner(engine)._opened
        assert opened is not None
        opened.core.pauses.remove = lambda *_: False  # type: ignore[method-assign]  it dies before memory follows the disk
        await engine.resume_workflow(fulfil)
    async with WorkflowEngine(url(tmp_path), workflows=[fulfil], max_workflows_in_memory=1) as engine:
        for number in range(5):
            assert await engine.handle(f"r{number}").result(SOON) == [f"r{number}-first", None, f"r{number}-last"]


async def test_a_run_paused_by_itself_stays_paused():
    """Each pause is lifted by whoever set it, in whatever order."""
    async with WorkflowEngine("sqlite://", workflows=[fulfil]) as engine:
        one, two = [await engine.start(fulfil, name, id=name) for name in ("one", "two")]
        for handle in (one, two):
            while len(await handle.history()) < 3:
                await asyncio.sleep(0.001)
        await one.pause()
        await engine.pause_workflow(fulfil)
        await two.pause()
        for handle in (one, two):
            await handle.signal("go")
        await one.resume()  # its own pause first, then the workflow's
        assert (await one.status()).status is RunStatus.RUNNING
        await engine.resume_workflow(fulfil)
        assert await one.result(SOON) == ["one-first", None, "one-last"]
        assert (await two.status()).status is RunStatus.PAUSED
        assert "two-last" not in ran
        await two.resume()
        assert await two.result(SOON) == ["two-first", None, "two-last"]


async def test_a_version_is_paused_alone():
    """Another version goes on; a pause of every version holds both until it ends, too."""
    async with WorkflowEngine("sqlite://", workflows=[fulfil, fulfil2]) as engine:
        await engine.pause_workflow("fulfil", version="1.0.0", reason="old")
        await engine.pause_workflow("fulfil", version="1.0.0", reason="again")
        first = await engine.start(fulfil, "a")
        assert await (await engine.start(fulfil2, "b")).result(SOON) == "b-two"
        await engine.pause_workflow("fulfil")
        second = await engine.start(fulfil2, "c")
        listed = [(paused.version, paused.reason) for paused in await engine.paused_workflows()]
        assert listed == [(None, ""), ("1.0.0", "old")]
        await engine.resume_workflow("fulfil")
        assert await second.result(SOON) == "c-two"
        assert (await first.status()).paused_with is not None
        await engine.resume_workflow("fulfil", version="1.0.0")
        await first.signal("go")
        assert await first.result(SOON) == ["a-first", None, "a-last"]
        await engine.resume_workflow("fulfil")  # nothing to take back
        await engine.resume_workflow("never heard of")


async def test_what_may_still_be_done_to_a_run_of_a_paused_workflow(tmp_path: Path):
    """Terminating ends it; retrying, forking, importing and updating are kept and take effect when it goes on."""
    broken = True

    @step
    async def fragile() -> str:
        if broken:
            raise OSError("down")
        return await asyncio.sleep(0, "mended")

    @workflow
    async def flow() -> list[object]:
        async def answer(value: int) -> int:
            return value + 1

        on_update("add", answer)
        return [await work("a"), await fragile(), await receive("go")]

    async with WorkflowEngine(url(tmp_path), workflows=[flow]) as engine:
        handle = await engine.start(flow, id="r")
        with pytest.raises(WorkflowFailedError):
            await handle.result(SOON)
        document = await handle.export_history()
        await engine.pause_workflow(flow)
        broken = False
        fork = await engine.fork("r", step=2, id="f")
        await handle.retry()
        doomed = await engine.start(flow, id="doomed")
        update = asyncio.create_task(fork.update("add", 1))
        await doomed.terminate("enough")
        with pytest.raises(WorkflowTerminatedError):
            await doomed.result(SOON)
        while "update_requested" not in [event.type for event in await fork.history()]:
            await asyncio.sleep(0.001)
        for run in (handle, fork):
            detail = await run.status()
            assert (detail.status, detail.paused_with is None) == (RunStatus.RUNNING, False)
            await run.signal("go", 5)
        cancelled = await engine.start(flow, id="cancelled")
        await cancelled.cancel()
        assert not update.done()
        assert ran == ["a"]
        await engine.resume_workflow(flow)
        assert await handle.result(SOON) == await fork.result(SOON) == ["a", "mended", 5]
        assert await update == 2
        with pytest.raises(Exception, match="cancelled"):
            await cancelled.result(SOON)
        assert ran == ["a"]
        await engine.pause_workflow(flow)
        await engine.import_run({**document, "run_id": "i", "events": document["events"][:2]})
        assert (await engine.handle("i").status()).paused_with is not None
        await engine.handle("i").signal("go", 6)
        await engine.resume_workflow(flow)
        assert await engine.handle("i").result(SOON) == ["a", "mended", 6]


async def test_children_of_a_paused_workflow_wait_and_their_parents_with_them():
    """A paused parent is told of its child's end and goes on later; a paused child starts nothing while its parent waits."""

    @workflow
    async def parent(name: str) -> list[object]:
        return [await fulfil(name), await work(f"{name}-parent")]

    async with WorkflowEngine("sqlite://", workflows=[parent, fulfil]) as engine:
        await engine.pause_workflow(fulfil)
        handle = await engine.start(parent, "p", id="p")
        async with asyncio.timeout(SOON.total_seconds()):
            while not (await engine.runs(parent="p")).runs:
                await asyncio.sleep(0.001)
        await engine.handle("p.1").signal("go")
        await engine.pause_workflow(parent)
        await engine.resume_workflow(fulfil)
        await engine.handle("p.1").result(SOON)
        assert ran == ["p-first", "p-last"]
        await engine.resume_workflow(parent)
        assert await handle.result(SOON) == [["p-first", None, "p-last"], "p-parent"]


async def test_a_schedule_of_a_paused_workflow_starts_its_run_which_waits():
    """That run counts as active: the next times are skipped until the workflow goes on and it has ended."""
    async with WorkflowEngine.test([naps], start_time=START) as engine:
        await engine.pause_workflow(naps)
        await engine.schedule("s", naps, 0.0, spec=CronSpec("0 * * * *"), overlap=Overlap.SKIP)
        await engine.time.sleep(timedelta(hours=3, minutes=30))
        described = await engine.schedule_handle("s").describe()
        assert ([run.status for run in described.last_runs], described.skipped) == ([RunStatus.RUNNING], 2)
        assert ran == []
        await engine.resume_workflow(naps)
        await engine.time.sleep(timedelta(hours=1))
        assert len(ran) == 2


async def test_resuming_thousands_of_runs_does_not_bring_them_into_memory_at_once(monkeypatch: pytest.MonkeyPatch):
    """Those that sleep on are not touched, those that have something to do come in batches: never more than fit."""
    most, seen = 0, set[str]()
    async with WorkflowEngine("sqlite://", workflows=[naps], max_workflows_in_memory=50) as engine:
        residents = runner(engine)._opened.core.residents  # type: ignore[union-attr]  it is open
        loading = residents._load

        def load(row):
            nonlocal most
            seen.add(row.id)
            run = loading(row)
            most = max(most, len(residents.by_key))
            return run

        for batch in range(20):
            await asyncio.gather(*(engine.start(naps, 3600.0, id=f"sleeps{batch}.{n}") for n in range(100)))
        await engine.pause_workflow(naps)
        for batch in range(10):
            await asyncio.gather(*(engine.start(naps, 3600.0, id=f"new{batch}.{n}") for n in range(100)))
        await until_asleep(engine, 50)
        monkeypatch.setattr(residents, "_load", load)
        await engine.resume_workflow(naps)
        async with asyncio.timeout(SOON.total_seconds()):
            while len(seen) < 950 or runner(engine).pausing._taking_up:
                await asyncio.sleep(0.001)
        assert sum(run_id.startswith("sleeps") for run_id in seen) <= 50  # they were in memory when the pause began
        assert most <= 50 + 100 + 1
        assert await engine.count(status="running") == 3000


async def test_taking_runs_up_waits_for_free_slots():
    """With one slot for steps, those that are to run one come after another, and memory holds no crowd of them."""
    release = asyncio.Event()

    @step
    async def held() -> None:
        await release.wait()

    @workflow
    async def works() -> None:
        await held()

    async with WorkflowEngine(
        "sqlite://", workflows=[works], max_concurrent_workflows=1, max_workflows_in_memory=5
    ) as engine:
        await engine.pause_workflow(works)
        for _ in range(4):
            await asyncio.gather(*(engine.start(works) for _ in range(100)))
        await until_asleep(engine, 5)
        await engine.resume_workflow(works)
        by_key = runner(engine)._opened.core.residents.by_key  # type: ignore[union-attr]  it is open
        async with asyncio.timeout(SOON.total_seconds()):
            while len(by_key) < 100:
                await asyncio.sleep(0.001)
        for _ in range(20):
            await (await engine.start(works, id="probe")).signal("x")  # several commits later it is still no more
        assert len(by_key) <= 5 + 100 + 2
        release.set()
        async with asyncio.timeout(SOON.total_seconds()):
            while await engine.count(status="completed") < 401:
                await asyncio.sleep(0.01)


async def test_an_encrypted_engine_seals_the_reason_of_a_pause(tmp_path: Path):
    """Nobody reads it without the key; the pause itself holds with any key, and says why its reason is missing."""
    codec = AesGcmCodec(keys={"k": bytes(32)}, active="k")
    async with WorkflowEngine(url(tmp_path), workflows=[fulfil], codec=codec) as engine:
        await engine.pause_workflow(fulfil, reason="secret")
        assert [paused.reason for paused in await engine.paused_workflows()] == ["secret"]
    assert b"secret" not in (tmp_path / "journal.db").read_bytes()
    async with WorkflowEngine(url(tmp_path), workflows=[fulfil]) as engine:
        handle = await engine.start(fulfil, "x")
        detail = await handle.status()
        assert detail.paused_with is not None
        assert "'k'" in detail.paused_with.reason
        await engine.resume_workflow(fulfil)
        await handle.signal("go")
        await handle.result(SOON)
    async with WorkflowEngine(url(tmp_path), workflows=[fulfil], codec=codec) as engine:
        assert await engine.paused_workflows() == []


@contextmanager
def full_disk(engine: WorkflowEngine) -> Iterator[None]:
    opened = runner(engine)._opened
    assert opened is not None
    connection = opened.journal._connection
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages}")
    try:
        yield
    finally:
        connection.execute("PRAGMA max_page_count = 1000000")


async def test_a_pause_that_cannot_be_kept_is_refused():
    """A workflow that does not exist, a reason that is too large, a full disk: an error, and nothing is paused."""
    async with WorkflowEngine("sqlite://", workflows=[fulfil], max_payload_bytes=64 * 1024) as engine:
        with pytest.raises(WorkflowNotFoundError, match="fulfill"):
            await engine.pause_workflow("fulfill")
        with pytest.raises(WorkflowNotFoundError, match=r"3\.0\.0"):
            await engine.pause_workflow(fulfil, version="3.0.0")
        with pytest.raises(PayloadError, match="reason"):
            await engine.pause_workflow(fulfil, reason="x" * 70_000)
        with full_disk(engine), pytest.raises(JournalWriteError):
            await engine.pause_workflow(fulfil, reason="x" * 60_000)
        assert await engine.paused_workflows() == []
        async with asyncio.timeout(SOON.total_seconds()):
            while not await engine.paused_workflows():
                with suppress(JournalWriteError):  # it recovers by itself
                    await engine.pause_workflow(fulfil)
        assert isinstance((await engine.paused_workflows())[0], PausedWorkflow)
        assert await engine.cancel_all(RunFilter(workflow="fulfil")) == 0
