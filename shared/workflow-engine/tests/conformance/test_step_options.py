"""What a step, one call of it, or an exception says about attempts and their limits."""

from __future__ import annotations

import asyncio
import threading
import time
from datetime import timedelta

import pytest

from maestro_workflow_engine import (
    NonRetryableError,
    RetryAfterError,
    RetryPolicy,
    RunStatus,
    StepHeartbeatTimeoutError,
    StepTotalTimeoutError,
    WorkflowDefinitionError,
    heartbeat,
    last_heartbeat,
    replay,
    step,
    step_info,
    workflow,
)

pytestmark = pytest.mark.capability("retries")

SOON = timedelta(seconds=15)
MS = timedelta(milliseconds=1)
QUICK = RetryPolicy(max_attempts=4, initial_interval=MS)
ran: list[object] = []


@step(retry=QUICK)
async def counted(upto: int) -> list[object]:
    before = last_heartbeat()
    ran.append(before)
    heartbeat({"done": step_info().attempt})
    if step_info().attempt < upto:
        raise OSError("down")
    return [step_info().attempt, before]


@step(retry=QUICK)
def threaded() -> object:
    before = last_heartbeat()
    heartbeat(step_info().attempt)
    if before != 2:
        raise OSError("down")
    return before


@step(retry=QUICK)
async def fails(kind: str) -> str:
    if kind == "never":
        raise NonRetryableError("no")
    if step_info().attempt == 1:
        raise RetryAfterError("later", delay=timedelta(0))
    return f"{kind} {step_info().attempt}"


@step(retry=RetryPolicy(max_attempts=0, initial_interval=timedelta(hours=1), max_interval=timedelta(hours=1)))
async def down() -> None:
    raise OSError("down")


@step
async def slow() -> str:
    await asyncio.sleep(3600)
    return "slept"


@workflow
async def beats() -> list[object]:
    return [await counted(3), await threaded()]


@workflow
async def optioned() -> list[str]:
    said = [await fails("after")]
    for call in (fails, fails.with_options(retry=RetryPolicy()), slow.with_options(name="brief", timeout=20 * MS)):
        try:
            await (call("never") if call is fails else call("once") if call.name == "fails" else call())
        except Exception as error:  # noqa: BLE001  what is raised is what the test looks at
            said.append(type(error).__name__)
    return said


@workflow
async def bounded() -> list[object]:
    said: list[object] = []
    for call in (down, slow):
        try:
            await call.with_options(total_timeout=300 * MS)()
        except StepTotalTimeoutError as error:
            failure = error.last_failure
            said += [error.step, error.timeout_s, error.attempts, None if failure is None else failure.message]
    return said


@pytest.mark.capability("heartbeats")
async def test_what_a_step_said_is_there_for_its_next_attempt(place):
    """heartbeat(details) reaches the cluster before an attempt's failure does, from coroutines and from threads."""
    ran.clear()
    async with place.engine(workflows=[beats]) as engine:
        assert await (await engine.start(beats)).result(SOON) == [[3, {"done": 2}], 2]
    assert ran == [None, {"done": 1}, {"done": 2}]


async def test_options_of_one_call_and_errors_that_steer_retries(place):
    """Retry policy, timeout and name of a call travel with it; NonRetryableError and RetryAfterError do what they say."""
    async with place.engine(workflows=[optioned]) as engine:
        handle = await engine.start(optioned)
        assert await handle.result(SOON) == ["after 2", "NonRetryableError", "RetryAfterError", "StepTimeoutError"]
        assert [e.data["step"] for e in await handle.history() if e.type.startswith("step_")][-1] == "brief"
        assert replay(await handle.export_history(), optioned).status is RunStatus.COMPLETED
    assert slow.timeout is None
    assert slow.with_options(timeout=MS).with_options(timeout=None).timeout is None
    with pytest.raises(WorkflowDefinitionError, match="total_timeout must be longer than zero"):
        slow.with_options(total_timeout=timedelta(0))


@pytest.mark.capability("timeouts")
async def test_a_total_timeout_counts_all_attempts(place):
    """A step that would be tried again too late fails at once, with what its last attempt failed with; a slow one is stopped."""
    async with place.engine(workflows=[bounded]) as engine:
        assert await (await engine.start(bounded)).result(SOON) == ["down", 0.3, 1, "down", "slow", 0.3, 1, None]


async def test_a_failing_step_is_retried_under_one_idempotency_key(place):
    """Retries follow the policy; the history keeps the attempt that succeeded."""
    keys: list[str] = []

    @step(retry=QUICK)
    async def flaky() -> int:
        keys.append(step_info().idempotency_key)
        if step_info().attempt < 3:
            raise OSError("down")
        return step_info().attempt

    @workflow
    async def stubborn() -> int:
        return await flaky()

    async with place.engine(workflows=[stubborn]) as engine:
        handle = await engine.start(stubborn, id="r")
        assert await handle.result(SOON) == 3
        (done,) = [event.data for event in await handle.history() if event.type == "step_completed"]
        assert done["attempt"] == 3
        if place.runner == "embedded":  # a cluster keeps the number of attempts, not each
            retries = ["step_retrying"] * 2
            assert [e.type for e in await handle.history()] == [
                "run_started", *retries, "step_completed", "run_completed",
            ]  # fmt: skip
    assert keys == ["r/1"] * 3


@pytest.mark.capability("timeouts")
async def test_a_silent_attempt_fails_and_is_retried(place):
    """Async or plain: silence fails an attempt; one that gives signs of life may take long."""
    attempts: list[str] = []
    released = threading.Event()
    twice = RetryPolicy(max_attempts=2, initial_interval=MS)

    @step(heartbeat_timeout=200 * MS, retry=twice)
    async def silent() -> str:
        attempts.append("async")
        if step_info().attempt == 1:
            await asyncio.sleep(3600)
        for _ in range(6):
            await asyncio.sleep(0.06)
            heartbeat()
        return "beat"

    @step(heartbeat_timeout=200 * MS, retry=twice)
    def silent_thread() -> str:
        attempts.append("thread")
        if step_info().attempt == 1:
            released.wait(20)
        return "ran"

    @step(heartbeat_timeout=30 * MS)
    async def dead() -> None:
        await asyncio.sleep(3600)

    @workflow
    async def flow() -> list[str]:
        try:
            await dead()
        except StepHeartbeatTimeoutError as error:
            return [await silent(), await silent_thread(), f"{error.step} {error.timeout_s}"]
        return []

    async with place.engine(workflows=[flow]) as engine:
        handle = await engine.start(flow)
        assert await handle.result(SOON) == ["beat", "ran", "dead 0.03"]
        released.set()
        if place.runner == "embedded":
            failures = [e.data["failure"]["type"] for e in await handle.history() if e.type == "step_retrying"]
            assert failures == ["maestro_workflow_engine._errors:StepHeartbeatTimeoutError"] * 2
    assert attempts == ["async", "async", "thread", "thread"]


running, most = [0], [0]
crowded: list[asyncio.Event] = []


@step
async def busy() -> None:
    running[0] += 1
    most[0] = max(most[0], running[0])
    if running[0] == 2:
        crowded[0].set()
    await crowded[0].wait()
    running[0] -= 1


@workflow
async def child() -> None:
    await busy()


@workflow
async def parent() -> None:
    await asyncio.gather(*(child() for _ in range(5)))


@pytest.mark.capability("steps")
async def test_only_so_many_runs_have_steps_running_at_once(place):
    """max_concurrent_workflows bounds runs at work; runs that wait for children take no slot."""
    running[0] = most[0] = 0
    crowded[:] = [asyncio.Event()]
    async with place.engine(workflows=[parent, child], max_concurrent_workflows=2) as engine:
        handles = [await engine.start(parent) for _ in range(4)]
        for handle in handles:
            await handle.result(SOON)
    assert most == [2]


@step
async def holds() -> None:
    crowded[0].set()
    await crowded[1].wait()


@step(total_timeout=50 * MS)
async def comes_late() -> None:
    raise AssertionError("it never gets a slot")


@workflow
async def first() -> None:
    await holds()


@workflow
async def second() -> str:
    try:
        await comes_late()
    except StepTotalTimeoutError as error:
        return error.step
    return ""


@pytest.mark.capability("timeouts")
async def test_a_step_that_waits_for_a_slot_runs_out_of_time_there(place):
    """The limit counts from when the workflow asked, not from when there was room."""
    crowded[:] = [asyncio.Event(), asyncio.Event()]
    async with place.engine(workflows=[first, second], max_concurrent_workflows=1) as engine:
        one = await engine.start(first)
        await asyncio.wait_for(crowded[0].wait(), 20)
        assert await (await engine.start(second)).result(SOON) == "comes_late"
        crowded[1].set()
        await one.result(SOON)


@pytest.mark.capability("signals")
async def test_a_step_without_limit_shows_since_when_it_runs(place):
    """Nothing ends it; its status says what the run waits for, and since when."""
    crowded[:] = [asyncio.Event(), asyncio.Event()]
    async with place.engine(workflows=[first]) as engine:
        handle = await engine.start(first, id="r")
        await place.begun(engine, "r")
        (wait,) = (await handle.status()).waiting_for
        assert (wait.kind, wait.name) == ("step", "holds")
        started = round((await handle.history())[0].time.timestamp() * 1e6)
        assert wait.since is not None
        assert started <= wait.since <= time.time_ns() // 1000
        crowded[1].set()
        await handle.result(SOON)
