"""Finding a step's function in whichever worker is to run it, and the options it was called with."""

from __future__ import annotations

import copy
import importlib
import threading
from datetime import timedelta
from typing import Any

from maestro_workflow_engine._definitions import StepDefinition
from maestro_workflow_engine._retry import RetryPolicy
from maestro_workflow_engine.temporal._wire import Call, Options

_MICROSECOND = timedelta(microseconds=1)
Step = StepDefinition[..., Any]


class Steps:
    """The steps that this worker has met. Workflows ask on their threads, step hosts on the event loop.

    A step is found by module and name, as pickle finds functions; one that is defined inside a function is known to the
    workers only that have run its workflow.
    """

    def __init__(self) -> None:
        self._met: dict[str, Step] = {}
        self._lock = threading.Lock()

    def reference(self, step: Step, trace: str | None, deadline_us: int, earlier_attempts: int = 0) -> Call:
        """Return what another worker finds the step by."""
        module, name = step.func.__module__, step.func.__qualname__
        home = None if "<locals>" in name else _resolve(module, name)
        if home is step:
            return Call(module, name, trace, deadline_us, earlier_attempts=earlier_attempts)
        with self._lock:
            self._met[step.name] = step
        is_there = isinstance(home, StepDefinition)
        return Call(module if is_there else "", name, trace, deadline_us, _options_of(step), earlier_attempts)

    def find(self, name: str, call: Call) -> Step | None:
        """Return a step with the options of a call; None when this worker cannot find it."""
        resolved = _resolve(call.module, call.name) if call.module else None
        found: Step | None = resolved if isinstance(resolved, StepDefinition) else None
        if found is None:
            with self._lock:
                found = self._met.get(name)
        if found is None or (found.name == name and call.options is None):
            return found
        twin: Step = copy.copy(found)
        twin.name = name
        if call.options is not None:
            _apply(call.options, twin)
        return twin


def _resolve(module: str, name: str) -> Any:
    try:
        found: Any = importlib.import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError, ValueError):
        return None
    return found


def _options_of(step: Step) -> Options:
    retry = step.retry
    return Options(
        max_attempts=retry.max_attempts,
        initial_us=retry.initial_interval // _MICROSECOND,
        backoff=retry.backoff,
        max_us=retry.max_interval // _MICROSECOND,
        jitter=retry.jitter,
        non_retryable=tuple(f"{each.__module__}:{each.__qualname__}" for each in retry.non_retryable),
        timeout_us=_us(step.timeout),
        total_us=_us(step.total_timeout),
        heartbeat_us=_us(step.heartbeat_timeout),
    )


def _apply(options: Options, step: Step) -> None:
    known = (_resolve(*each.split(":", 1)) for each in options.non_retryable if ":" in each)
    step.retry = RetryPolicy(
        max_attempts=options.max_attempts,
        initial_interval=options.initial_us * _MICROSECOND,
        backoff=options.backoff,
        max_interval=options.max_us * _MICROSECOND,
        jitter=options.jitter,
        # An exception that is defined inside a function is known to the step itself only.
        non_retryable=tuple(each for each in known if isinstance(each, type) and issubclass(each, Exception))
        or tuple(each for each in step.retry.non_retryable if options.non_retryable),
    )
    step.timeout, step.total_timeout = _time(options.timeout_us), _time(options.total_us)
    step.heartbeat_timeout = _time(options.heartbeat_us)


def _us(time: timedelta | None) -> int | None:
    return None if time is None else time // _MICROSECOND


def _time(us: int | None) -> timedelta | None:
    return None if us is None else us * _MICROSECOND
