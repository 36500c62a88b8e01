"""One attempt of a step: decode its input, run it in time, encode what it returns."""

from __future__ import annotations

import asyncio
import contextvars
import functools
from collections.abc import Awaitable
from functools import partial
from typing import Any

import msgspec
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from maestro_core_logging import get_logger, log_context
from maestro_workflow_engine import _payload
from maestro_workflow_engine._definitions import StepDefinition
from maestro_workflow_engine._errors import StepTimeoutError
from maestro_workflow_engine._step_info import StepInfo, enter_step
from maestro_workflow_engine.embedded._clock import Clock
from maestro_workflow_engine.embedded._threads import Job, StepThreads

_tracer = trace.get_tracer("maestro_workflow_engine")
_propagator = TraceContextTextMapPropagator()
_logger = get_logger(__name__)


class StepExitError(Exception):
    """Carries a step's SystemExit or KeyboardInterrupt past its task, which would end the event loop over it.

    Attributes:
        raised: What the step raised.
    """

    def __init__(self, raised: BaseException) -> None:
        super().__init__(raised)
        self.raised = raised


async def run_attempt(
    step: StepDefinition[..., Any],
    input_: msgspec.Raw,
    info: StepInfo,
    *,
    threads: StepThreads,
    clock: Clock,
    traceparent: str | None,
) -> msgspec.Raw:
    """Run a step once, in the current task.

    Args:
        step: The step.
        input_: Its input.
        info: What the step can know about itself.
        threads: Where plain functions run.
        clock: What the step's timeout goes by.
        traceparent: The run's trace; the attempt becomes a span of it.

    Returns:
        The result as JSON.

    Raises:
        StepTimeoutError: It took longer than the step's timeout.
        PayloadError: The input does not fit the step, or the result has no JSON form.
        StepExitError: The step wanted to end the process.
        Exception: What else the step raised.
    """
    args, kwargs = step.signature.decode(input_)
    enter_step(info)
    with log_context(run_id=info.run_id, step=step.name):
        try:
            if traceparent is None:
                return _payload.encode(await _call(step, args, kwargs, info, threads, clock))
            attributes: dict[str, str | int] = {"maestro.run_id": info.run_id, "maestro.attempt": info.attempt}
            span = _tracer.start_span(f"step {step.name}", context=_context_of(traceparent), attributes=attributes)
            with trace.use_span(span, end_on_exit=True):
                return _payload.encode(await _call(step, args, kwargs, info, threads, clock))
        except (SystemExit, KeyboardInterrupt) as error:
            raise StepExitError(error) from error


@functools.lru_cache(maxsize=1_024)
def _context_of(traceparent: str) -> Context:
    """Return the context of a run's trace; all steps of a run ask for the same one."""
    return _propagator.extract({"traceparent": traceparent})


async def _call(
    step: StepDefinition[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    info: StepInfo,
    threads: StepThreads,
    clock: Clock,
) -> Any:
    job: Job | None = None
    if step.is_async:
        work: Awaitable[Any] = step.func(*args, **kwargs)
    else:
        call = partial(contextvars.copy_context().run, step.func, *args, **kwargs)
        job = threads.submit(call, info.idempotency_key)
        work = asyncio.wrap_future(job.future)
    if step.timeout is None:
        return await work
    try:
        async with clock.deadline(step.timeout) as limit:
            return await work
    except TimeoutError as error:
        if limit.expired():
            if job is not None:
                _tell_of_thread(job, info, step.timeout.total_seconds())
            raise StepTimeoutError(step.name, step.timeout.total_seconds()) from error
        raise


def _tell_of_thread(job: Job, info: StepInfo, timeout_s: float) -> None:
    """A thread cannot be stopped from outside: whoever watches the service must know that it goes on."""
    facts = {"run_id": info.run_id, "step": info.step, "attempt": info.attempt, "timeout_s": timeout_s}
    if job.thread is None:
        _logger.warning("Step timed out before a thread was free for it", **facts)
    elif not job.is_over:
        _logger.warning("Step timed out, and its thread goes on", thread=job.thread, **facts)
