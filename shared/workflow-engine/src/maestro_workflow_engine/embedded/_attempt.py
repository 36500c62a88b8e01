"""One attempt of a step: decode its input, run it in time, encode what it returns."""

from __future__ import annotations

import asyncio
import contextvars
import functools
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from maestro_core_logging import log_context
from maestro_workflow_engine import _payload
from maestro_workflow_engine._definitions import StepDefinition
from maestro_workflow_engine._errors import StepTimeoutError
from maestro_workflow_engine._step_info import StepInfo, enter_step
from maestro_workflow_engine.embedded._clock import Clock

_tracer = trace.get_tracer("maestro_workflow_engine")
_propagator = TraceContextTextMapPropagator()


async def run_attempt(
    step: StepDefinition[..., Any],
    input_: msgspec.Raw,
    info: StepInfo,
    *,
    threads: ThreadPoolExecutor,
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
        Exception: What the step raised.
    """
    args, kwargs = step.signature.decode(input_)
    enter_step(info)
    with log_context(run_id=info.run_id, step=step.name):
        if traceparent is None:
            return _payload.encode(await _call(step, args, kwargs, threads, clock))
        attributes: dict[str, str | int] = {"maestro.run_id": info.run_id, "maestro.attempt": info.attempt}
        span = _tracer.start_span(f"step {step.name}", context=_context_of(traceparent), attributes=attributes)
        with trace.use_span(span, end_on_exit=True):
            return _payload.encode(await _call(step, args, kwargs, threads, clock))


@functools.lru_cache(maxsize=1_024)
def _context_of(traceparent: str) -> Context:
    """Return the context of a run's trace; all steps of a run ask for the same one."""
    return _propagator.extract({"traceparent": traceparent})


async def _call(
    step: StepDefinition[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    threads: ThreadPoolExecutor,
    clock: Clock,
) -> Any:
    if step.timeout is None:
        return await (step.func(*args, **kwargs) if step.is_async else _in_thread(step, args, kwargs, threads))
    try:
        async with clock.deadline(step.timeout) as limit:
            return await (step.func(*args, **kwargs) if step.is_async else _in_thread(step, args, kwargs, threads))
    except TimeoutError as error:
        if limit.expired():
            raise StepTimeoutError(step.name, step.timeout.total_seconds()) from error
        raise


async def _in_thread(
    step: StepDefinition[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], threads: ThreadPoolExecutor
) -> Any:
    context = contextvars.copy_context()
    call = functools.partial(context.run, step.func, *args, **kwargs)
    return await asyncio.get_running_loop().run_in_executor(threads, call)
