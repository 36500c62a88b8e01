"""Exceptions on their way through Temporal: the engine's record of them goes along and comes out again."""

from __future__ import annotations

import msgspec
from temporalio import exceptions as te

from maestro_workflow_engine._definitions import StepDefinition
from maestro_workflow_engine._errors import (
    PayloadError,
    StepTimeoutError,
    WorkflowCancelledError,
    WorkflowDefinitionError,
    WorkflowTerminatedError,
)
from maestro_workflow_engine._failure import Failure, describe
from maestro_workflow_engine.temporal._wire import FailureDetail


def attempt_failure(step: StepDefinition[..., object], attempt: int, error: BaseException) -> te.ApplicationError:
    """Return what a failed attempt tells the cluster: the failure, and whether and when to try again.

    Args:
        step: The step.
        attempt: The attempt's number, from 1.
        error: What it failed with.
    """
    is_final = isinstance(error, (PayloadError, WorkflowDefinitionError)) or not step.retry.allows(attempt, error)
    failure = describe(error)
    return te.ApplicationError(
        failure.message,
        msgspec.to_builtins(FailureDetail(failure, attempt)),
        type=failure.type,
        non_retryable=is_final,
        next_retry_delay=None if is_final else step.retry.delay(attempt),
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


def step_failure(step: StepDefinition[..., object], error: te.ActivityError) -> FailureDetail:
    """Return how a step failed for good."""
    if isinstance(error.cause, te.TimeoutError):  # the cluster lost patience, not the step
        limit = step.timeout.total_seconds() if step.timeout else 0.0
        return FailureDetail(describe(StepTimeoutError(step.name, limit)))
    return detail_of(error)


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
