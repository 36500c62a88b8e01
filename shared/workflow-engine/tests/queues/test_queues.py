"""Queues through the engine, by virtual time."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from maestro_workflow_engine import (
    Queue,
    QueueNotFoundError,
    Rate,
    RunStatus,
    StartOptions,
    StartOptionsError,
    WorkflowCancelledError,
    WorkflowConflictError,
    WorkflowDefinitionError,
    WorkflowEndedError,
    WorkflowEngine,
    WorkflowTerminatedError,
    continue_as_new,
    info,
    on_update,
    receive,
    replay,
    step,
    workflow,
)

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)


@step
async def note(what: str) -> str:
    return what


@workflow
async def job(what: str) -> datetime:
    await note(what)
    await asyncio.sleep(60)
    return info().started_at


@workflow
async def waits() -> str:
    return str(await receive("go"))


def queued(queue: str = "q", **options: object) -> StartOptions:
    return StartOptions(queue=queue, **options)  # type: ignore[arg-type]  # a test's short cut


def engine(*queues: Queue, url: str = "sqlite://"):
    return WorkflowEngine.test([job, waits, counts, answers], queues=queues or [Queue("q", concurrency=1)], url=url)


@workflow
async def counts(left: int) -> str:
    await asyncio.sleep(60)
    if left:
        continue_as_new(left - 1)
    return "done"


@workflow
async def answers() -> str:
    on_update("ask", _answered)
    return str(await receive("go"))


async def _answered(what: str) -> str:
    return f"{what}!"


async def test_a_queue_lets_as_many_run_as_it_has_places():
    """Of six one-minute jobs two run at a time: the last begins after two minutes, and each begins with an event of its own."""
    async with engine(Queue("q", concurrency=2)) as eng:
        handles = [await eng.start(job, str(n), id=f"r{n}", options=queued()) for n in range(6)]
        await eng.time.sleep(SECOND)
        page = await eng.runs(status="queued")
        assert {run.id for run in page.runs} == {"r2", "r3", "r4", "r5"}
        assert all(run.status.is_open for run in page.runs)
        begun = [await handle.result() for handle in handles]
        first = begun[0]
        assert [at - first for at in begun] == [timedelta(0)] * 2 + [MINUTE] * 2 + [2 * MINUTE] * 2
        history = await handles[5].history()
        assert [event.type for event in history] == [
            "run_started",
            "run_admitted",
            "step_completed",
            "timer_fired",
            "run_completed",
        ]
        assert history[1].time == begun[5]
        assert history[0].data["admission"] == {"queue": "q"}


async def test_a_start_without_options_writes_what_it_always_wrote():
    """Neither the events nor the row of a plain run know of queues."""
    async with engine() as eng:
        handle = await eng.start(waits, id="r")
        document = await handle.export_history()
        assert [set(entry["event"]) for entry in document["events"]] == [{"type", "time", "input", "seed"}]
        reader = eng._runner._opened.reader
        assert reader.place(1) is None
        assert (await handle.status()).status is RunStatus.RUNNING


async def test_who_waits_says_for_what_and_at_which_place():
    """Status names the queue and the place in it; the queue counts by priority and tenant."""
    async with engine() as eng:
        await eng.start(job, "0", options=queued(tenant="a"))
        await eng.time.sleep(SECOND)
        second = await eng.start(job, "1", options=queued(tenant="a"))
        urgent = await eng.start(job, "2", options=queued(priority=0))
        await eng.time.sleep(SECOND)
        [wait] = (await second.status()).waiting_for
        assert (wait.kind, wait.name, wait.place) == ("queue", "q", 2)
        info_ = await eng.queue("q").describe()
        assert (info_.running, info_.waiting, info_.depth) == (1, 2, 2)
        assert info_.waiting_by_priority == {0: 1, 5: 1}
        assert info_.waiting_by_tenant == {"": 1, "a": 1}
        assert info_.running_by_tenant == {"a": 1}
        assert info_.oldest_wait == SECOND
        assert (await urgent.result()) < (await second.result())
        assert [queue.name for queue in await eng.queues()] == ["q"]


async def test_a_noisy_tenant_does_not_keep_quiet_ones_waiting():
    """One tenant queues 100 jobs, nine others one each: these begin within ten turns, where nine would be without it."""
    async with engine() as eng:
        noisy = [await eng.start(job, "n", options=queued(tenant="noisy")) for _ in range(100)]
        quiet = [await eng.start(job, "q", options=queued(tenant=f"t{n}")) for n in range(9)]
        first = await noisy[0].result()
        assert max([await handle.result() for handle in quiet]) - first <= 10 * MINUTE


async def test_a_rate_spreads_beginnings():
    """Three a minute: ten runs begin over three minutes, and no minute sees more than three."""
    async with engine(Queue("q", rate=Rate(3, per=MINUTE))) as eng:
        handles = [await eng.start(job, str(n), options=queued()) for n in range(10)]
        begun = [await handle.result() for handle in handles]
        assert begun[9] - begun[0] == 3 * MINUTE
        for at in begun:
            assert sum(at <= other < at + MINUTE for other in begun) <= 3


async def test_tenants_have_limits_of_their_own():
    """With one job a tenant, two tenants run side by side and each one's jobs one after the other."""
    async with engine(Queue("q", per_tenant=1)) as eng:
        handles = [await eng.start(job, str(n), options=queued(tenant="ab"[n % 2])) for n in range(4)]
        begun = [await handle.result() for handle in handles]
        assert Counter(at - begun[0] for at in begun) == {timedelta(0): 2, MINUTE: 2}


async def test_signals_and_updates_to_a_queued_run_wait_for_it():
    """They are kept in order; an update is answered once the workflow has set its handler."""
    async with engine() as eng:
        blocker = await eng.start(waits, options=queued())
        handle = await eng.start(answers, options=queued())
        asked = asyncio.create_task(handle.update("ask", "sure"))
        while len(await handle.history()) < 2:
            await asyncio.sleep(0)
        await handle.signal("go", "went")
        await eng.time.sleep(SECOND)
        assert (await handle.status()).status is RunStatus.QUEUED
        await blocker.signal("go")
        assert await handle.result() == "went"
        assert await asked == "sure!"
        assert replay(await handle.export_history(), answers).status is RunStatus.COMPLETED


async def test_a_queued_run_that_is_cancelled_ends_at_once():
    """It never begins, its history says so, and replay knows what that means."""
    async with engine() as eng:
        blocker = await eng.start(waits, options=queued())
        handle, other = [await eng.start(waits, options=queued()) for _ in range(2)]
        await handle.cancel("changed my mind")
        await other.terminate("enough")
        with pytest.raises(WorkflowCancelledError):
            await handle.result()
        with pytest.raises(WorkflowTerminatedError):
            await other.result()
        history = await handle.history()
        assert [event.type for event in history] == ["run_started", "run_cancelled"]
        assert history[1].data == {"reason": "changed my mind"}
        assert replay(await handle.export_history(), waits).status is RunStatus.CANCELLED
        await blocker.signal("go")
        await eng.time.sleep(SECOND)
        assert (await eng.queue("q").describe()).depth == 0


async def test_a_paused_queued_run_lets_others_pass_and_keeps_its_age():
    """Paused it is skipped; resumed it goes ahead of those that came later."""
    async with engine() as eng:
        blocker = await eng.start(waits, options=queued())
        old, new, newest = [await eng.start(job, str(n), options=queued()) for n in range(3)]
        await old.pause("look at it")
        await eng.time.sleep(SECOND)
        assert (await old.status()).status is RunStatus.PAUSED
        assert (await eng.queue("q").describe()).held == 1
        await blocker.signal("go")
        await eng.time.sleep(SECOND)
        assert (await new.status()).status is RunStatus.RUNNING
        await old.resume()
        assert (await old.status()).status is RunStatus.QUEUED
        assert await old.result() < await newest.result()


async def test_a_run_can_be_moved_to_another_priority():
    """It overtakes; once it has begun, or without a queue, that is refused."""
    async with engine() as eng:
        blocker = await eng.start(waits, id="blocker", options=queued())
        first, second = [await eng.start(job, str(n), options=queued()) for n in range(2)]
        await second.reprioritize(1)
        with pytest.raises(StartOptionsError):
            await second.reprioritize(10)
        await eng.time.sleep(SECOND)
        with pytest.raises(WorkflowConflictError, match="has begun"):
            await blocker.reprioritize(1)
        plain = await eng.start(waits)
        with pytest.raises(WorkflowConflictError, match="no queue"):
            await plain.reprioritize(1)
        await blocker.signal("go")
        assert await second.result() < await first.result()
        with pytest.raises(WorkflowEndedError):
            await second.reprioritize(1)
        assert "run_reprioritized" in [event.type for event in await second.history()]


async def test_a_paused_queue_lets_nothing_begin():
    """What has begun goes on; the rest waits for the queue to be resumed."""
    async with engine(Queue("q")) as eng:
        running = await eng.start(job, "0", options=queued())
        await eng.time.sleep(SECOND)
        await eng.queue("q").pause("maintenance")
        handle = await eng.start(job, "1", options=queued())
        await running.result()
        described = await eng.queue("q").describe()
        assert (described.paused, described.note, described.waiting) == (True, "maintenance", 1)
        await eng.queue("q").resume()
        await eng.queue("q").resume()
        assert await handle.result() - await running.result() == MINUTE


async def test_a_queue_can_be_declared_and_changed_while_the_engine_is_open():
    """More room counts at once."""
    async with engine() as eng:
        eng.declare_queue(Queue("late", concurrency=1))
        handles = [await eng.start(job, str(n), options=queued("late")) for n in range(3)]
        await eng.time.sleep(SECOND)
        eng.declare_queue(Queue("late", concurrency=3))
        begun = [await handle.result() for handle in handles]
        assert begun[2] - begun[0] == SECOND


async def test_a_delayed_start_takes_its_place_when_its_time_has_come():
    """With or without a queue; until then it says when."""
    async with engine(Queue("q", concurrency=1)) as eng:
        start = eng.time.now()
        alone = await eng.start(job, "0", options=StartOptions(delay=timedelta(hours=1)))
        at = await eng.start(job, "1", options=StartOptions(start_at=start + timedelta(hours=2)))
        in_queue = await eng.start(job, "2", options=queued(delay=timedelta(hours=3)))
        [wait] = (await alone.status()).waiting_for
        assert (wait.kind, wait.until) == ("start", int((start + timedelta(hours=1)).timestamp() * 1e6))
        assert (await eng.queue("q").describe()).delayed == 1
        assert [await handle.result() - start for handle in (alone, at, in_queue)] == [
            timedelta(hours=hours) for hours in (1, 2, 3)
        ]


async def test_a_run_that_starts_over_keeps_its_place():
    """continue_as_new is one run to the queue; the next begins when its last pass has ended."""
    async with engine() as eng:
        over = await eng.start(counts, 2, options=queued())
        after = await eng.start(job, "x", options=queued())
        assert await over.result() == "done"
        first = (await over.status()).created_at
        assert await after.result() - first == 3 * MINUTE
        assert [event.type for event in await over.history()][:3] == ["run_continued", "run_started", "run_admitted"]


async def test_a_run_without_a_registered_workflow_lets_others_pass():
    """It says what is missing, and begins once the workflow is registered."""

    @workflow(name="unknown")
    async def unknown() -> str:
        return "here"

    async with engine() as eng:
        blocker = await eng.start(waits, options=queued())
        eng.register(unknown)
        handle = await eng.start(unknown, options=queued())
        other = await eng.start(job, "x", options=queued())
        eng._registry._by_name.clear()
        eng.register(job)
        eng.register(waits)
        await blocker.signal("go")
        await other.result()
        detail = await handle.status()
        assert (detail.status, "not registered" in (detail.problem or "")) == (RunStatus.QUEUED, True)
        eng.register(unknown)
        assert await handle.result() == "here"


async def test_a_queued_run_has_its_search_attributes_and_heeds_a_pause_of_its_workflow():
    """It is found while it waits; once admitted it holds its place until its workflow goes on."""
    async with engine() as eng:
        await eng.pause_workflow("job")
        handle = await eng.start(job, "x", options=queued(attributes={"customer": "acme"}))
        other = await eng.start(waits, options=queued())
        assert [run.id for run in (await eng.runs(attributes={"customer": "acme"})).runs] == [handle.id]
        await eng.time.sleep(MINUTE)
        assert (await other.status()).status is RunStatus.QUEUED
        await eng.resume_workflow("job")
        assert await handle.result()
        assert (await handle.status()).attributes == {"customer": "acme"}


async def test_a_schedule_starts_its_runs_in_a_queue():
    """The runs of a schedule wait like all others, with the schedule's priority."""
    from maestro_workflow_engine import IntervalSpec, Overlap

    async with engine(Queue("q", concurrency=1)) as eng:
        schedule = await eng.schedule(
            "s", job, "x", spec=IntervalSpec(timedelta(seconds=30)), overlap=Overlap.ALLOW, queue="q", priority=2
        )
        await eng.time.sleep(timedelta(seconds=95))
        page = await eng.runs(workflow="job")
        assert [run.status for run in page.runs] == [RunStatus.QUEUED, RunStatus.RUNNING, RunStatus.COMPLETED]
        described = await schedule.describe()
        assert (described.queue, described.priority) == ("q", 2)
        assert (await eng.queue("q").describe()).waiting_by_priority == {2: 1}
        triggered = await schedule.trigger()
        assert (await triggered.status()).status is RunStatus.QUEUED
        with pytest.raises(QueueNotFoundError):
            await eng.schedule("t", job, "x", spec=IntervalSpec(MINUTE), queue="nowhere")


@pytest.mark.parametrize(
    "options",
    [
        {"priority": 10, "queue": "q"},
        {"priority": -1, "queue": "q"},
        {"priority": 1},
        {"tenant": "a"},
        {"tenant": "", "queue": "q"},
        {"delay": -SECOND},
        {"delay": SECOND, "start_at": datetime(2030, 1, 1, tzinfo=UTC)},
        {"start_at": datetime(2030, 1, 1)},  # noqa: DTZ001  that is the mistake
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, object]):
    """A mistake is named when the options are made."""
    with pytest.raises(StartOptionsError):
        StartOptions(**options)  # type: ignore[arg-type]  # that is the mistake


@pytest.mark.parametrize(
    "make",
    [
        lambda: Queue(""),
        lambda: Queue("q", concurrency=0),
        lambda: Queue("q", per_tenant=0),
        lambda: Rate(0, MINUTE),
        lambda: Rate(1, timedelta(0)),
        lambda: WorkflowEngine("sqlite://", queues=[Queue("q"), Queue("q")]),
    ],
)
def test_queues_that_make_no_sense_are_refused(make):
    """A mistake is named when the queue is declared."""
    with pytest.raises(WorkflowDefinitionError):
        make()


async def test_options_of_another_kind_are_refused():
    """A workflow's own argument named options is told apart from the engine's."""
    async with engine() as eng:
        with pytest.raises(StartOptionsError, match="by position"):
            await eng.start(waits, options={"queue": "q"})  # type: ignore[call-overload]  # that is the mistake
