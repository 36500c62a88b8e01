"""Exceptions on their way through Temporal: the engine's record of them goes along and comes out again."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

import msgspec
from temporalio import exceptions as te

from maestro_workflow_engine._definitions import StepDefinition
from maestro_workflow_engine._errors import (
    PayloadError,
    StepTotalTimeoutError,
    WorkflowCancelledError,
    WorkflowDefinitionError,
    WorkflowEndedError,
    WorkflowNotFoundError,
    WorkflowTerminatedError,
)
from maestro_workflow_engine._failure import Failure, describe
from maestro_workflow_engine.embedded._attempt import out_of_time
from maestro_workflow_engine.machine._commands import RunStep
from maestro_workflow_engine.temporal._wire import FailureDetail

_SHORTEST_DELAY = timedelta(milliseconds=1)  # the SDK takes none at all for an unset one
_FINAL = (PayloadError, WorkflowDefinitionError, StepTotalTimeoutError)


def attempt_failure(
    step: StepDefinition[..., object], command: RunStep, error: BaseException, now_us: int
) -> te.ApplicationError:
    """Return what a failed attempt tells the cluster: the failure, and whether and when to try again.

    Args:
        step: The step.
        command: What was asked for.
        error: What the attempt failed with.
        now_us: The time, in µs since the epoch.
    """
    failure, delay = describe(error), None
    if not isinstance(error, _FINAL) and step.retry.allows(command.attempt, error):
        delay = max(step.retry.delay(command.attempt, None, error), _SHORTEST_DELAY)
        if command.deadline and now_us + delay // timedelta(microseconds=1) >= command.deadline:
            failure, delay = describe(out_of_time(step.name, step.total_timeout, command.attempt, failure)), None
    return te.ApplicationError(
        failure.message,
        msgspec.to_builtins(FailureDetail(failure, command.attempt)),
        type=failure.type,
        non_retryable=delay is None,
        next_retry_delay=delay,
        category=te.ApplicationErrorCategory.BENIGN,  # the run's log tells of it
    )


def run_failure(failure: Failure) -> te.ApplicationError:
    """Return what a failed run, or a refused update, tells the cluster."""
    return te.ApplicationError(
        failure.message, msgspec.to_builtins(FailureDetail(failure)), type=failure.type, non_retryable=True
    )


def detail_of(error: BaseException | None) -> FailureDetail:
    """Return the engine's record of a failure that came from the cluster."""
    cause = error
    while isinstance(cause, (te.ActivityError, te.ChildWorkflowError)) and cause.cause is not None:
        cause = cause.cause
    if isinstance(cause, te.ApplicationError):
        return _own(cause) or FailureDetail(
            Failure(cause.type or "temporalio.exceptions:ApplicationError", cause.message)
        )
    return FailureDetail(describe(cause) if cause is not None else Failure("builtins:Exception", "unknown"))


def _own(error: BaseException | None) -> FailureDetail | None:
    """Return the engine's record of a failure; None where it is none of the engine's."""
    for found in error.details if isinstance(error, te.ApplicationError) else ():
        with suppress(msgspec.ValidationError):
            return msgspec.convert(found, FailureDetail)
    return None


def step_failure(command: RunStep, error: te.ActivityError) -> FailureDetail:
    """Return how a step failed for good."""
    is_over = error.retry_state is te.RetryState.TIMEOUT
    return final_failure(command.step.name, command.step.total_timeout, error.cause, is_over=is_over)


def final_failure(step: str, limit: timedelta | None, error: BaseException | None, *, is_over: bool) -> FailureDetail:
    """Return how a step failed for good.

    Args:
        step: Its name.
        limit: Its total timeout.
        error: What the cluster says.
        is_over: Whether the cluster would have tried again, had there been time: no worker was there to tell.
    """
    if isinstance(error, te.TimeoutError):
        last = error.cause
    elif is_over:
        last = error
    else:
        return detail_of(error)
    known = _own(last)
    attempts = known.attempt if known is not None else 1
    return FailureDetail(describe(out_of_time(step, limit, attempts, known.failure if known else None)), attempts)


def request_failure(run_id: str, error: te.FailureError | None, status: str | None) -> Failure:
    """Return why a request to another run could not be made.

    Args:
        run_id: The other run.
        error: What the cluster says, when it was asked.
        status: How the other run ended, when that is known.
    """
    if status is not None:
        return describe(WorkflowEndedError(run_id, status))
    if error is None or isinstance(error, te.ApplicationError):  # the cluster tells no difference
        return describe(WorkflowNotFoundError(run_id, f"there is no run {run_id!r}, or it has ended"))
    return describe(error)


def child_failure(run_id: str, error: te.ChildWorkflowError) -> Failure | None:
    """Return how a child failed; None when it was cancelled or terminated."""
    if isinstance(error.cause, (te.CancelledError, te.TerminatedError)):
        return None
    return detail_of(error).failure


def ending(run_id: str, error: BaseException | None) -> WorkflowCancelledError | WorkflowTerminatedError | Failure:
    """Return what the end of a run that gave no result means to one who waits for it."""
    if isinstance(error, te.CancelledError):
        return WorkflowCancelledError(run_id)
    if isinstance(error, te.TerminatedError):
        return WorkflowTerminatedError(run_id, error.message)
    return detail_of(error).failure
