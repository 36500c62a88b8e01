"""Runs steps as Temporal activities."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import msgspec
from temporalio import activity
from temporalio import exceptions as te
from temporalio.common import RawValue

from maestro_workflow_engine._step_info import RunningAttempt
from maestro_workflow_engine.embedded._attempt import StepExitError, is_running, run_attempt
from maestro_workflow_engine.embedded._clock import WallClock
from maestro_workflow_engine.embedded._threads import StepThreads
from maestro_workflow_engine.machine._commands import RunStep
from maestro_workflow_engine.temporal._failures import attempt_failure
from maestro_workflow_engine.temporal._pulse import Pulse
from maestro_workflow_engine.temporal._sizes import Sizes
from maestro_workflow_engine.temporal._steps import Step, Steps
from maestro_workflow_engine.temporal._wire import Call, attempted, json_of, unpacked

BEATS = 3
"""How often the cluster hears of a running step in the time after which it counts as lost."""

_ELSEWHERE_S = 1.0
_NO_ROW = 0  # of the embedded runner's tables


class StepHost:
    """The one activity of a worker: it runs whatever step is asked for.

    Args:
        steps: Finds the steps.
        threads: Where plain functions run.
        lost_after: How long the cluster waits for a sign of life.
        sizes: Refuses results and signs of life that are too large.
    """

    def __init__(self, steps: Steps, threads: StepThreads, lost_after: timedelta, sizes: Sizes) -> None:
        self._steps = steps
        self._threads = threads
        self._sizes = sizes
        self._beat_s = lost_after.total_seconds() / BEATS
        self._clock = WallClock()

    @activity.defn(dynamic=True)
    async def run(self, args: Sequence[RawValue]) -> RawValue:
        """Run a step; the worker registers this."""
        info = activity.info()
        call = unpacked(args, 1, Call)
        step = self._steps.find(info.activity_type, call)
        if step is None:
            raise te.ApplicationError(
                f"this worker has no step {info.activity_type!r}: import its module where the engine is made",
                type="StepNotFound",
                next_retry_delay=timedelta(seconds=_ELSEWHERE_S),
            )
        pulse = Pulse(None if info.is_local else self._beat_s, info.heartbeat_details, info.attempt, self._sizes)
        seq = int(info.activity_id) if info.activity_id.isdecimal() else 0
        number = call.earlier_attempts + pulse.failed + 1
        command = RunStep(seq, step, json_of(args), number, deadline=call.deadline_us)
        running = RunningAttempt(info.workflow_id or "", _NO_ROW, seq, step.name, number, step.heartbeat_timeout, pulse)
        with pulse.kept(running):
            try:
                return attempted(await self._attempt(step, command, running, call.trace), number)
            except te.ApplicationError:
                pulse.fail(running)
                raise

    async def _attempt(self, step: Step, command: RunStep, running: RunningAttempt, trace: str | None) -> msgspec.Raw:
        task = asyncio.current_task()
        try:
            output = await run_attempt(
                step, command, running, threads=self._threads, clock=self._clock, traceparent=trace
            )
            self._sizes.check("output", output)
            return output
        except asyncio.CancelledError as error:
            if activity.is_cancelled() or activity.is_worker_shutdown():
                raise
            raise self._failed(step, command, error) from None
        except StepExitError as error:
            raise self._failed(step, command, error.raised) from None
        except BaseException as error:
            if not is_running(task):
                raise
            raise self._failed(step, command, error) from None

    def _failed(self, step: Step, command: RunStep, error: BaseException) -> te.ApplicationError:
        """Return how an attempt failed, without the exception itself: its own causes and text may be none that the SDK can send."""
        return attempt_failure(step, command, error, self._clock.now_us()).with_traceback(error.__traceback__)
