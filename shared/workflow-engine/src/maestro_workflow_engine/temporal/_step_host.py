"""Runs steps as Temporal activities."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from temporalio import activity
from temporalio import exceptions as te
from temporalio.common import RawValue

from maestro_workflow_engine._step_info import StepInfo
from maestro_workflow_engine.embedded._attempt import run_attempt
from maestro_workflow_engine.embedded._clock import WallClock
from maestro_workflow_engine.temporal._failures import attempt_failure
from maestro_workflow_engine.temporal._steps import Steps
from maestro_workflow_engine.temporal._wire import Call, json_of, raw, unpacked

_ELSEWHERE_S = 1.0


class StepHost:
    """The one activity of a worker: it runs whatever step is asked for.

    Args:
        steps: Finds the steps.
        threads: Where plain functions run.
        lost_after: How long the cluster waits for a sign of life.
    """

    def __init__(self, steps: Steps, threads: ThreadPoolExecutor, lost_after: timedelta) -> None:
        self._steps = steps
        self._threads = threads
        self._beat_s = lost_after.total_seconds() / 3
        self._clock = WallClock()

    @activity.defn(dynamic=True)
    async def run(self, args: Sequence[RawValue]) -> RawValue:
        """Run a step; the worker registers this."""
        return await self._run(args)

    async def _run(self, args: Sequence[RawValue]) -> RawValue:
        info = activity.info()
        call = unpacked(args, 1, Call)
        step = self._steps.find(info.activity_type, call)
        if step is None:
            raise te.ApplicationError(
                f"this worker has no step {info.activity_type!r}: import its module where the engine is made",
                type="StepNotFound",
                next_retry_delay=timedelta(seconds=_ELSEWHERE_S),
            )
        about = StepInfo(info.workflow_id or "", step.name, info.attempt, f"{info.workflow_id}/{info.activity_id}")
        beating = None if info.is_local else asyncio.create_task(self._beat(), name="heartbeat")
        try:
            output = await run_attempt(
                step, json_of(args), about, threads=self._threads, clock=self._clock, traceparent=call.trace
            )
        except asyncio.CancelledError:
            if activity.is_cancelled() or activity.is_worker_shutdown():
                raise
            raise attempt_failure(step, info.attempt, asyncio.CancelledError()) from None
        except (Exception, SystemExit, KeyboardInterrupt) as error:
            raise attempt_failure(step, info.attempt, error) from error
        finally:
            if beating is not None:
                beating.cancel()
        return raw(output)

    async def _beat(self) -> None:
        while True:
            activity.heartbeat()
            await asyncio.sleep(self._beat_s)
