"""Debounce and singletons, by virtual time."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from maestro_workflow_engine import (
    Debounce,
    PayloadError,
    Queue,
    RunExistsError,
    RunStatus,
    Singleton,
    SingletonPolicy,
    StartOptions,
    StartOptionsError,
    WorkflowConflictError,
    WorkflowEngine,
    receive,
    replay,
    step,
    workflow,
)

SECOND = timedelta(seconds=1)


@workflow
async def echo(what: str) -> str:
    return what


@workflow
async def job(what: str) -> str:
    await asyncio.sleep(60)
    return what


@workflow
async def waits(what: str = "") -> str:
    try:
        return str(await receive("go"))
    except asyncio.CancelledError:
        await asyncio.sleep(5)  # clean-up takes its time
        raise


@step
async def breaks() -> None:
    raise ValueError("no")


@workflow
async def fails() -> None:
    await breaks()


def engine() -> Any:
    return WorkflowEngine.test([echo, job, waits, fails], queues=[Queue("q", concurrency=1)])


def debounced(key: str = "k", wait: int = 10, longest: int | None = None, queue: str | None = None) -> StartOptions:
    longest_ = None if longest is None else timedelta(seconds=longest)
    return StartOptions(debounce=Debounce(key, timedelta(seconds=wait), longest_), queue=queue)


def single(
    policy: SingletonPolicy = SingletonPolicy.USE_EXISTING, key: str = "k", queue: str | None = None
) -> StartOptions:
    return StartOptions(singleton=Singleton(key, policy), queue=queue)


async def test_starts_that_follow_one_another_become_one_run_with_the_last_input():
    """All callers get the same run; it begins once it has been quiet for the wait."""
    async with engine() as eng:
        handles = []
        for number in range(5):
            handles.append(await eng.start(echo, str(number), options=debounced()))
            await eng.time.sleep(5 * SECOND)
        assert len({handle.id for handle in handles}) == 1
        detail = await handles[0].status()
        assert (detail.status, detail.input) == (RunStatus.QUEUED, "4")
        assert await handles[0].result() == "4"
        detail = await handles[0].status()
        assert detail.finished_at - detail.created_at == 30 * SECOND
        assert len((await eng.runs()).runs) == 1
        assert replay(await handles[0].export_history(), echo).status is RunStatus.COMPLETED
        later = await eng.start(echo, "new", options=debounced())
        assert later.id != handles[0].id
        assert await later.result() == "new"


async def test_a_debounce_does_not_wait_longer_than_its_limit():
    """Starts that never stop begin a run every max_wait."""
    async with engine() as eng:
        ids = []
        for number in range(10):
            ids.append((await eng.start(echo, str(number), options=debounced(longest=25))).id)
            await eng.time.sleep(5 * SECOND)
        assert ids == [ids[0]] * 5 + [ids[5]] * 5
        assert await eng.handle(ids[0]).result() == "4"


async def test_keys_and_workflows_are_debounced_apart():
    """Another key, or the same key of another workflow, is another run."""
    async with engine() as eng:
        first = await eng.start(echo, "1", options=debounced("a"))
        second = await eng.start(echo, "2", options=debounced("b"))
        third = await eng.start(job, "3", options=debounced("a"))
        assert [await handle.result() for handle in (first, second, third)] == ["1", "2", "3"]


async def test_many_starts_in_one_turn_are_one_run():
    """A burst of fifty before the first is on disk: one run, with the input of one of them, and all are acknowledged."""
    async with engine() as eng:
        handles = await asyncio.gather(*(eng.start(echo, str(n), options=debounced()) for n in range(50)))
        assert len({handle.id for handle in handles}) == 1
        assert await handles[0].result() == "49"
        events = [event.type for event in await handles[0].history()]
        assert events.count("run_debounced") == 49


async def test_a_debounced_run_takes_its_place_in_a_queue_afterwards():
    """Once its wait is over it stands in line, and further starts are another run."""
    async with engine() as eng:
        blocker = await eng.start(waits, options=StartOptions(queue="q"))
        first = await eng.start(echo, "1", options=debounced(queue="q"))
        await eng.time.sleep(15 * SECOND)
        [wait] = (await first.status()).waiting_for
        assert (wait.kind, wait.place) == ("queue", 1)
        second = await eng.start(echo, "2", options=debounced(queue="q"))
        assert second.id != first.id
        await blocker.signal("go")
        assert [await first.result(), await second.result()] == ["1", "2"]


async def test_a_debounced_run_that_is_cancelled_takes_no_more_inputs():
    """The next start is a run of its own."""
    async with engine() as eng:
        first = await eng.start(echo, "1", options=debounced())
        await first.cancel()
        second = await eng.start(echo, "2", options=debounced())
        assert second.id != first.id
        assert await second.result() == "2"


async def test_there_is_one_open_run_of_a_singleton_key():
    """Started again it is the same run; another key, workflow, or the same after its end, is another."""
    async with engine() as eng:
        first = await eng.start(waits, options=single())
        assert (await eng.start(waits, "other", options=single())).id == first.id
        assert (await eng.start(waits, options=single(key="x"))).id != first.id
        assert (await eng.start(job, "x", options=single())).id != first.id
        with pytest.raises(RunExistsError) as caught:
            await eng.start(waits, options=single(SingletonPolicy.FAIL))
        assert (caught.value.run_id, caught.value.status) == (first.id, "running")
        await first.signal("go", 1)
        await first.result()
        assert (await eng.start(waits, options=single())).id != first.id


@pytest.mark.parametrize("policy", [SingletonPolicy.USE_EXISTING, SingletonPolicy.FAIL])
async def test_a_burst_of_singleton_starts_makes_one_run(policy: SingletonPolicy):
    """Fifty starts in one turn of the loop: one run begins, the others get it, or are told."""
    async with engine() as eng:
        outcomes = await asyncio.gather(
            *(eng.start(waits, options=single(policy)) for _ in range(50)), return_exceptions=True
        )
        handles = [outcome for outcome in outcomes if not isinstance(outcome, BaseException)]
        errors = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
        assert len({handle.id for handle in handles}) == 1
        assert all(isinstance(error, RunExistsError) for error in errors)
        assert len(errors) == (49 if policy is SingletonPolicy.FAIL else 0)
        assert len((await eng.runs()).runs) == 1


async def test_singletons_can_wait_in_line():
    """One after the other, in the order in which they came; status says what each waits for."""
    async with engine() as eng:
        handles = [await eng.start(job, str(n), options=single(SingletonPolicy.WAIT)) for n in range(3)]
        await eng.time.sleep(SECOND)
        [wait] = (await handles[2].status()).waiting_for
        assert (wait.kind, wait.name) == ("singleton", "k")
        await handles[1].cancel()
        assert await handles[2].result() == "2"
        first, last = [await handle.status() for handle in (handles[0], handles[2])]
        assert last.finished_at - first.finished_at == 60 * SECOND


async def test_a_new_singleton_can_take_the_place_of_the_one_there_is():
    """The old run is asked once to stop and cleans up; the new one begins when it has ended; those in between end at once."""
    async with engine() as eng:
        first = await eng.start(waits, options=single())
        await eng.time.sleep(SECOND)
        others = await asyncio.gather(
            *(eng.start(waits, options=single(SingletonPolicy.CANCEL_EXISTING)) for _ in range(5))
        )
        states = counted([(await handle.status()).status for handle in others])
        assert states == {RunStatus.CANCELLED: 4, RunStatus.QUEUED: 1}
        await eng.time.sleep(10 * SECOND)
        assert (await first.status()).status is RunStatus.CANCELLED
        assert [event.type for event in await first.history()].count("cancel_requested") == 1
        assert counted([(await handle.status()).status for handle in others])[RunStatus.RUNNING] == 1


def counted(values: list[RunStatus]) -> dict[RunStatus, int]:
    return {value: values.count(value) for value in values}


async def test_an_input_that_cannot_be_kept_makes_nobody_give_way():
    """A start that is refused leaves the run that is there alone."""
    async with WorkflowEngine.test([waits], max_payload_bytes=64 * 1024) as eng:
        first = await eng.start(waits, options=single())
        with pytest.raises(PayloadError):
            await eng.start(waits, "x" * 100_000, options=single(SingletonPolicy.CANCEL_EXISTING))
        await eng.time.sleep(SECOND)
        assert (await first.status()).status is RunStatus.RUNNING


async def test_a_singleton_in_a_queue_holds_its_key_while_it_waits():
    """The one in line is the one that is found."""
    async with engine() as eng:
        blocker = await eng.start(waits, options=StartOptions(queue="q"))
        first = await eng.start(echo, "1", options=single(queue="q"))
        assert (await eng.start(echo, "2", options=single(queue="q"))).id == first.id
        await blocker.signal("go")
        assert await first.result() == "1"


async def test_a_failed_singleton_goes_on_only_while_its_key_is_free():
    """Retrying takes the key again; while another run has it, that is refused."""
    async with engine() as eng:
        failed = await eng.start(fails, options=single())
        await eng.time.sleep(SECOND)
        assert (await failed.status()).status is RunStatus.FAILED
        other = await eng.start(fails, options=StartOptions(singleton=Singleton("k"), delay=SECOND))
        with pytest.raises(WorkflowConflictError, match="singleton key"):
            await failed.retry()
        await eng.time.sleep(2 * SECOND)
        assert (await other.status()).status is RunStatus.FAILED
        await failed.retry()
        assert (await failed.status()).status is RunStatus.RUNNING
        assert (await eng.start(fails, options=single())).id == failed.id


@pytest.mark.parametrize(
    "make",
    [
        lambda: Debounce("", SECOND),
        lambda: Debounce("k", timedelta(0)),
        lambda: Debounce("k", 2 * SECOND, SECOND),
        lambda: Singleton("x" * 201),
        lambda: StartOptions(debounce=Debounce("k", SECOND), delay=SECOND),
        lambda: StartOptions(debounce=Debounce("k", SECOND), singleton=Singleton("k")),
    ],
)
def test_keys_that_make_no_sense_are_refused(make: Any):
    """A mistake is named when the options are made."""
    with pytest.raises(StartOptionsError):
        make()


async def test_a_debounced_start_takes_no_id():
    """Several starts share one run, so none of them can name it."""
    async with engine() as eng:
        with pytest.raises(StartOptionsError, match="share one run"):
            await eng.start(echo, "1", id="mine", options=debounced())
