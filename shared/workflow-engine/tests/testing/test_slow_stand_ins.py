from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from maestro_workflow_engine import (
    RetryPolicy,
    StepTimeoutError,
    WorkflowContextError,
    WorkflowEngine,
    WorkflowFailedError,
    now,
    step,
    workflow,
)

HOUR = timedelta(hours=1)
START = datetime(2031, 5, 1, tzinfo=UTC)


@step(timeout=2 * HOUR, retry=RetryPolicy(max_attempts=2, initial_interval=HOUR, max_interval=HOUR, jitter=0))
async def convert(name: str) -> str:
    raise AssertionError("the real step must not run")


@workflow
async def publish_film(name: str) -> str:
    return f"{await convert(name)} at {now():%H:%M}"


def _lasting(*durations):
    """Make an engine whose step lasts this long, attempt by attempt."""
    left = list(durations)

    async def slow(name: str) -> str:
        await engine.time.sleep(left.pop(0))
        return name

    engine = WorkflowEngine.test([publish_film], start_time=START, steps={convert: slow})
    return engine


async def test_a_step_that_sleeps_takes_virtual_time():
    """A stand-in that lasts 90 minutes is over 90 minutes later, and at once."""
    async with _lasting(1.5 * HOUR) as engine:
        assert await (await engine.start(publish_film, "a")).result() == "a at 01:30"


async def test_a_step_times_out_in_virtual_time():
    """The first attempt is stopped after two hours, the second one, an hour later, is in time."""
    async with _lasting(5 * HOUR, HOUR) as engine:
        assert await (await engine.start(publish_film, "a")).result() == "a at 04:00"
    async with _lasting(5 * HOUR, 5 * HOUR) as engine:
        with pytest.raises(WorkflowFailedError) as caught:
            await (await engine.start(publish_film, "a")).result()
        assert caught.value.failure.type.endswith(StepTimeoutError.__name__)
        assert engine.time.now() == START + 5 * HOUR


async def test_a_step_as_long_as_its_timeout_is_in_time():
    """What is done at the very moment of the timeout counts."""
    async with _lasting(2 * HOUR) as engine:
        assert await (await engine.start(publish_film, "a")).result() == "a at 02:00"


async def test_steps_that_sleep_side_by_side_end_by_their_times():
    """Work in several tasks of one step and in several steps goes through the same virtual time."""
    ended: list[str] = []

    async def slow(name: str) -> str:
        await asyncio.gather(engine.time.sleep(HOUR / 2), engine.time.sleep(HOUR / len(name)))
        ended.append(name)
        return name

    async with WorkflowEngine.test([publish_film], start_time=START, steps={convert: slow}) as engine:
        handles = [await engine.start(publish_film, name) for name in ("a", "bbbb", "cc")]
        results = [await handle.result() for handle in handles]
    assert results == ["a at 01:00", "bbbb at 00:30", "cc at 00:30"]
    assert ended == ["bbbb", "cc", "a"]


async def test_a_sleeping_step_does_not_move_time_by_itself():
    """Only a test that waits moves time, though a step may be asleep."""
    async with _lasting(HOUR) as engine:
        handle = await engine.start(publish_film, "a")
        for _ in range(2000):
            await asyncio.sleep(0)
        assert engine.time.now() == START
        assert await handle.result() == "a at 01:00"


async def test_workflow_code_sleeps_with_asyncio():
    """The test's clock in workflow code is a mistake that is named."""

    @workflow
    async def confused() -> None:
        await engine.time.sleep(HOUR)

    engine = WorkflowEngine.test([confused])
    async with engine:
        with pytest.raises(WorkflowFailedError, match=r"asyncio\.sleep") as caught:
            await (await engine.start(confused)).result()
        assert caught.value.failure.type.endswith(WorkflowContextError.__name__)
