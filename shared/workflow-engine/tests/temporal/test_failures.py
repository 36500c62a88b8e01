"""What failures become on their way to the cluster and back."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest
from temporalio import exceptions as te

from maestro_workflow_engine import (
    NonRetryableError,
    PayloadError,
    RetryAfterError,
    RetryPolicy,
    StepTotalTimeoutError,
    WorkflowEndedError,
    WorkflowNotFoundError,
    step,
)
from maestro_workflow_engine._failure import rebuild
from maestro_workflow_engine.machine._commands import RunStep
from maestro_workflow_engine.temporal._failures import attempt_failure, detail_of, request_failure, step_failure

MS = timedelta(milliseconds=1)


@step(retry=RetryPolicy(max_attempts=3, initial_interval=100 * MS, jitter=0))
async def act() -> None: ...


def command(attempt: int = 1, deadline: int = 0) -> RunStep:
    return RunStep(1, act, msgspec.Raw(b"null"), attempt, deadline=deadline)


@pytest.mark.parametrize(
    ("error", "attempt", "delay"),
    [
        (OSError("down"), 1, 100 * MS),
        (OSError("down"), 2, 200 * MS),
        (OSError("down"), 3, None),
        (RetryAfterError("later", delay=timedelta(minutes=1)), 1, timedelta(minutes=1)),
        (RetryAfterError("now", delay=timedelta(0)), 1, MS),
        (NonRetryableError("no"), 1, None),
        (PayloadError("no JSON form"), 1, None),
    ],
)
def test_the_host_decides_whether_and_when_an_attempt_follows(error: Exception, attempt: int, delay: timedelta | None):
    """The cluster's own policy would try for ever: it is there for lost workers only."""
    told = attempt_failure(act, command(attempt), error, 0)
    assert (told.non_retryable, told.next_retry_delay) == (delay is None, delay)
    back = detail_of(told)
    assert (type(rebuild(back.failure)), back.attempt) == (type(error), attempt)


def test_an_attempt_that_would_come_too_late_is_not_waited_for():
    """The total timeout is over before it could begin; what the last one failed with is kept."""
    told = attempt_failure(act, command(deadline=100_000), OSError("down"), 1)
    error = rebuild(detail_of(told).failure)
    assert isinstance(error, StepTotalTimeoutError)
    assert (told.non_retryable, error.last_failure.message) == (True, "down")


def test_a_timeout_of_the_cluster_is_the_total_timeout():
    """No worker was there to tell; the cluster's clock did."""
    error = te.ActivityError(
        "timed out", scheduled_event_id=1, started_event_id=2, identity="", activity_type="act", activity_id="1",
        retry_state=None,
    )  # fmt: skip
    error.__cause__ = te.TimeoutError("over", type=te.TimeoutType.SCHEDULE_TO_CLOSE, last_heartbeat_details=[])
    assert isinstance(rebuild(step_failure(command(deadline=1), error).failure), StepTotalTimeoutError)


@pytest.mark.parametrize(
    ("cause", "attempts", "said"),
    [
        (attempt_failure(act, command(), OSError("down"), 0), 1, "down"),
        (attempt_failure(act, command(2), OSError("down"), 0), 2, "down"),
        (te.ApplicationError("Worker is shutting down", type="WorkerShutdown"), 1, None),
    ],
)
def test_an_attempt_for_which_no_time_is_left_is_the_total_timeout(
    cause: te.ApplicationError, attempts: int, said: str | None
):
    """The cluster would have tried again; what its worker said when it closed is no failure of the step."""
    error = te.ActivityError(
        "failed", scheduled_event_id=1, started_event_id=2, identity="", activity_type="act", activity_id="1",
        retry_state=te.RetryState.TIMEOUT,
    )  # fmt: skip
    error.__cause__ = cause
    found = rebuild(step_failure(command(deadline=1), error).failure)
    assert isinstance(found, StepTotalTimeoutError)
    last = None if found.last_failure is None else found.last_failure.message
    assert (found.step, found.attempts, last) == ("act", attempts, said)


def test_a_failure_of_another_client_comes_as_its_record():
    """What carries no record of the engine's keeps type and message."""
    found = detail_of(te.ApplicationError("boom", type="com.example.Boom")).failure
    assert (found.type, found.message) == ("com.example.Boom", "boom")


def test_a_request_that_was_refused_says_what_is_known():
    """Of a child it is known how it ended; of any other run that it is not there, or has ended."""
    ended = rebuild(request_failure("r", None, "completed"))
    assert isinstance(ended, WorkflowEndedError)
    assert ended.status == "completed"
    assert isinstance(rebuild(request_failure("r", te.ApplicationError("gone"), None)), WorkflowNotFoundError)
