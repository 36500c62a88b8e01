"""One attempt of a step: decode its input, run it in time, encode what it returns."""

from __future__ import annotations

import asyncio
import contextvars
import functools
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

import msgspec
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from maestro_core_logging import get_logger, log_context
from maestro_workflow_engine import _payload
from maestro_workflow_engine._definitions import StepDefinition
from maestro_workflow_engine._errors import StepHeartbeatTimeoutError, StepTimeoutError, StepTotalTimeoutError
from maestro_workflow_engine._failure import Failure
from maestro_workflow_engine._step_info import RunningAttempt, enter_step
from maestro_workflow_engine.embedded._clock import Clock
from maestro_workflow_engine.embedded._threads import Job, StepThreads
from maestro_workflow_engine.machine._commands import RunStep

_tracer = trace.get_tracer("maestro_workflow_engine")
_propagator = TraceContextTextMapPropagator()
_logger = get_logger(__name__)


class StepExitError(Exception):
    """Carries what a step raised past the coroutines between it and whoever takes note of it.

    SystemExit and KeyboardInterrupt would end the event loop, and a GeneratorExit that comes out of a thread would close the
    coroutines that wait for it.

    Attributes:
        raised: What the step raised.
    """

    def __init__(self, raised: BaseException) -> None:
        super().__init__(raised)
        self.raised = raised


async def run_attempt(
    step: StepDefinition[..., Any],
    command: RunStep,
    running: RunningAttempt,
    *,
    threads: StepThreads,
    clock: Clock,
    traceparent: str | None,
) -> msgspec.Raw:
    """Run a step once, in the current task.

    Args:
        step: The step, or what stands in for it.
        command: What the run asked for.
        running: What the step can know about itself.
        threads: Where plain functions run.
        clock: What the step's timeouts go by.
        traceparent: The run's trace; the attempt becomes a span of it.

    Returns:
        The result as JSON.

    Raises:
        StepTimeoutError: It took longer than one of the step's timeouts allows.
        PayloadError: The input does not fit the step, or the result has no JSON form.
        StepExitError: The step wanted to end the process.
        Exception: What else the step raised.
    """
    args, kwargs = step.signature.decode(command.input)
    enter_step(running)
    is_limited = step.timeout is not None or step.heartbeat_timeout is not None or command.deadline
    with log_context(run_id=running.run_id, step=running.step):
        call = _limited if is_limited else _call
        try:
            if traceparent is None:
                return _payload.encode(await call(step, args, kwargs, threads, command, running, clock))
            attributes: dict[str, str | int] = {"maestro.run_id": running.run_id, "maestro.attempt": running.number}
            span = _tracer.start_span(f"step {running.step}", context=_context_of(traceparent), attributes=attributes)
            with trace.use_span(span, end_on_exit=True):
                return _payload.encode(await call(step, args, kwargs, threads, command, running, clock))
        except (SystemExit, KeyboardInterrupt) as error:
            raise StepExitError(error) from error


@functools.lru_cache(maxsize=1_024)
def _context_of(traceparent: str) -> Context:
    """Return the context of a run's trace; all steps of a run ask for the same one."""
    return _propagator.extract({"traceparent": traceparent})


def is_running(task: asyncio.Task[Any] | None) -> bool:
    """Tell whether this is the task that runs now, and no coroutine that is freed after its event loop was stopped."""
    try:
        return asyncio.current_task() is task
    except RuntimeError:  # no event loop is running
        return False


def out_of_time(step: str, limit: timedelta | None, attempts: int, last: Failure | None) -> StepTotalTimeoutError:
    """Return the error of a step whose total timeout is over."""
    failure = None if last is None else {"type": last.type, "message": last.message, "traceback": last.traceback}
    return StepTotalTimeoutError(step, limit.total_seconds() if limit else 0, attempts, failure)


async def _limited(
    step: StepDefinition[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    threads: StepThreads,
    command: RunStep,
    running: RunningAttempt,
    clock: Clock,
) -> Any:
    total = limit = silence = None
    try:
        async with AsyncExitStack() as stack:
            if command.deadline:
                left = timedelta(microseconds=command.deadline - clock.now_us())
                total = await stack.enter_async_context(clock.deadline(left))
            if step.timeout is not None:
                limit = await stack.enter_async_context(clock.deadline(step.timeout))
            if step.heartbeat_timeout is not None:
                silence = await stack.enter_async_context(clock.silence(step.heartbeat_timeout))
                running.silence = silence
            return await _call(step, args, kwargs, threads, command, running, clock)
    except TimeoutError as error:
        if total is not None and total.expired():
            _tell_of_thread(running)
            raise out_of_time(step.name, step.total_timeout, command.attempt, command.last_failure) from error
        if limit is not None and limit.expired() and step.timeout is not None:
            _tell_of_thread(running)
            raise StepTimeoutError(step.name, step.timeout.total_seconds()) from error
        if silence is not None and silence.expired() and step.heartbeat_timeout is not None:
            _tell_of_thread(running)
            raise StepHeartbeatTimeoutError(step.name, step.heartbeat_timeout.total_seconds()) from error
        raise


async def _call(
    step: StepDefinition[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    threads: StepThreads,
    _command: RunStep,
    running: RunningAttempt,
    _clock: Clock,
) -> Any:
    if step.is_async:
        return await step.func(*args, **kwargs)
    call = functools.partial(contextvars.copy_context().run, step.func, *args, **kwargs)
    running.job = threads.submit(functools.partial(_in_thread, call), running.key)
    try:
        return await asyncio.wrap_future(running.job.future)
    except asyncio.CancelledError:
        running.is_stopped = True  # nobody can stop the thread; `heartbeat` tells it
        raise


def _in_thread(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except GeneratorExit as error:
        raise StepExitError(error) from error


def _tell_of_thread(running: RunningAttempt) -> None:
    """A thread cannot be stopped from outside: whoever watches the service must know that it goes on."""
    job: Job | None = running.job
    facts = {"run_id": running.run_id, "step": running.step, "attempt": running.number}
    if job is None:
        return
    if job.thread is None:
        _logger.warning("Step timed out before a thread was free for it", **facts)
    elif not job.is_over:
        _logger.warning("Step timed out, and its thread goes on", thread=job.thread, **facts)
