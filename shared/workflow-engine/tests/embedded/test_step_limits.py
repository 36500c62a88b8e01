"""How long a step may take in all, and what one call or one exception says about its retries."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from maestro_workflow_engine import (
    NonRetryableError,
    RetryAfterError,
    RetryPolicy,
    StepFailedError,
    StepTimeoutError,
    StepTotalTimeoutError,
    WorkflowEngine,
    WorkflowFailedError,
    step,
    step_info,
    workflow,
)

SOON = timedelta(seconds=20)
HOUR = timedelta(hours=1)
ALWAYS = RetryPolicy(max_attempts=0, initial_interval=timedelta(minutes=10), backoff=1, jitter=0, max_interval=HOUR)


def url(folder: Path) -> str:
    return f"sqlite:///{folder}/journal.db"


async def test_no_attempt_and_no_wait_begins_past_the_total_timeout():
    """Attempts at 0, 10 and 20 minutes; the next would begin after 25: the step fails at once and says why."""

    @step(retry=ALWAYS, total_timeout=timedelta(minutes=25))
    async def down() -> None:
        raise OSError(f"attempt {step_info().attempt}")

    @workflow
    async def flow() -> list[Any]:
        try:
            await down()
        except StepTotalTimeoutError as error:
            last = error.last_failure.type if error.last_failure else None
            kinds = isinstance(error, StepTimeoutError) and isinstance(error.__cause__, StepFailedError)
            return [str(error), error.attempts, error.timeout_s, last, kinds]
        return []

    async with WorkflowEngine.test([flow]) as engine:
        handle = await engine.start(flow)
        assert await handle.result(HOUR) == [
            "step 'down' did not complete within 1500 s; attempts: 3; the last one failed with OSError: attempt 3",
            3,
            1500,
            "builtins:OSError",
            True,
        ]
        detail = await handle.status()
        assert detail.finished_at is not None
        assert detail.finished_at - detail.created_at == timedelta(minutes=20)


async def test_an_attempt_is_cut_short_when_the_total_timeout_is_over():
    """The limit of all attempts also ends one that is running, before the limit of one attempt does."""

    @step(retry=ALWAYS, timeout=timedelta(minutes=30), total_timeout=timedelta(minutes=15))
    async def slow() -> None:
        raise AssertionError("a stand-in runs instead")

    async def stand_in() -> None:
        if step_info().attempt == 1:
            raise OSError("first")
        await engine.time.sleep(HOUR)

    @workflow
    async def flow() -> str:
        try:
            await slow()
        except StepTimeoutError as error:
            return str(error)
        return ""

    async with WorkflowEngine.test([flow], steps={slow: stand_in}) as engine:
        handle = await engine.start(flow)
        text = await handle.result(HOUR * 3)
        assert text == (
            "step 'slow' did not complete within 900 s; attempts: 2; the last one failed with OSError: first"
        )
        detail = await handle.status()
        assert detail.finished_at is not None
        assert detail.finished_at - detail.created_at == timedelta(minutes=15)


async def test_a_stand_in_also_stands_in_for_a_step_with_options():
    """Tests name the step; how a call changes its options does not matter to them."""

    @step
    async def charge(order: str) -> str:
        raise AssertionError("a stand-in runs instead")

    @workflow
    async def flow() -> str:
        return await charge.with_options(timeout=timedelta(seconds=5))("17")

    for steps in ({charge: lambda order: f"paid {order}"}, {"charge": lambda order: f"paid {order}"}):
        async with WorkflowEngine.test([flow], steps=steps) as engine:
            assert await (await engine.start(flow)).result(SOON) == "paid 17"


async def test_an_exception_may_say_when_to_retry_or_that_it_is_no_use():
    """RetryAfterError sets the next wait, NonRetryableError ends the step, whatever the policy says."""

    class GoneError(NonRetryableError):
        code = "GONE"

    attempts: list[int] = []

    @step(retry=ALWAYS)
    async def limited(kind: str) -> str:
        attempts.append(step_info().attempt)
        if kind == "gone":
            raise GoneError("for good")
        if step_info().attempt == 1:
            raise RetryAfterError("slow down", delay=timedelta(seconds=90))
        return "done"

    @workflow
    async def flow(kind: str) -> str:
        return await limited(kind)

    async with WorkflowEngine.test([flow]) as engine:
        handle = await engine.start(flow, "later")
        assert await handle.result(HOUR) == "done"
        detail = await handle.status()
        assert detail.finished_at is not None
        assert detail.finished_at - detail.created_at == timedelta(seconds=90)
        with pytest.raises(WorkflowFailedError, match="for good"):
            await (await engine.start(flow, "gone")).result(HOUR)
    assert attempts == [1, 2, 1]
