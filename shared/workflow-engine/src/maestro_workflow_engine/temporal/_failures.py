"""Exceptions on their way through Temporal: the engine's record of them goes along and comes out again."""

from __future__ import annotations

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
            failure, delay = describe(out_of_time(command, command.attempt, failure)), None
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
        for found in cause.details:
            try:
                return msgspec.convert(found, FailureDetail)
            except msgspec.ValidationError:
                continue
        return FailureDetail(Failure(cause.type or "temporalio.exceptions:ApplicationError", cause.message))
    return FailureDetail(describe(cause) if cause is not None else Failure("builtins:Exception", "unknown"))


def step_failure(command: RunStep, error: te.ActivityError) -> FailureDetail:
    """Return how a step failed for good."""
    if isinstance(error.cause, te.TimeoutError):  # the cluster's clock ran out, while no worker could tell
        last = error.cause.cause
        known = detail_of(last) if isinstance(last, te.ApplicationError) else None
        attempts = known.attempt if known is not None else 1
        return FailureDetail(describe(out_of_time(command, attempts, known.failure if known else None)), attempts)
    return detail_of(error)


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
