"""The error tree of the engine. Every error carries a stable `code` and typed attributes; match on those, not on text."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import msgspec

from maestro_workflow_engine._failure import Failure


class WorkflowError(Exception):
    """The root of every error the engine raises."""

    code: ClassVar[str] = "WORKFLOW_ERROR"


class WorkflowDefinitionError(WorkflowError):
    """A workflow or step was declared in a way that the engine cannot run."""

    code = "WORKFLOW_DEFINITION_INVALID"


class WorkflowContextError(WorkflowError):
    """Something was called in a place where it cannot work, such as `receive()` outside a workflow."""

    code = "WORKFLOW_CONTEXT"


class PayloadError(WorkflowError):
    """A value could not be turned into JSON, or JSON did not fit the declared type."""

    code = "PAYLOAD_INVALID"


class SearchAttributeError(WorkflowError, ValueError):
    """A search attribute was refused.

    Attributes:
        attribute: Its name.
        reason: Why.
    """

    code = "SEARCH_ATTRIBUTE_INVALID"

    def __init__(self, attribute: str, reason: str) -> None:
        super().__init__(attribute, reason)
        self.attribute = attribute
        self.reason = reason

    def __str__(self) -> str:
        """Return one readable line."""
        return f"search attribute {self.attribute!r} was refused: {self.reason}"


class EngineClosedError(WorkflowError):
    """The engine was used before it was opened or after it was closed."""

    code = "ENGINE_CLOSED"


class ClusterUnreachableError(WorkflowError):
    """The Temporal cluster does not answer, or does not let this client in.

    Attributes:
        target: Its host and port.
    """

    code = "CLUSTER_UNREACHABLE"

    def __init__(self, target: str, reason: str) -> None:
        super().__init__(f"the Temporal cluster at {target} cannot be reached: {reason}")
        self.target = target


class UnsupportedByRunnerError(WorkflowError):
    """The runner cannot do what was asked for. Nothing was done.

    Attributes:
        feature: What was asked for.
        runner: The runner, such as `temporal`.
    """

    code = "UNSUPPORTED_BY_RUNNER"

    def __init__(self, feature: str, runner: str, instead: str) -> None:
        super().__init__(feature, runner, instead)
        self.feature = feature
        self.runner = runner

    def __str__(self) -> str:
        """Return one readable line."""
        return f"the {self.runner} runner has no {self.feature}: {self.args[2]}"


class WorkflowNotFoundError(WorkflowError):
    """No such run, or no such registered workflow.

    Attributes:
        name: The run id or the workflow name that was asked for.
    """

    code = "WORKFLOW_NOT_FOUND"

    def __init__(self, name: str, message: str) -> None:
        super().__init__(name, message)
        self.name = name

    def __str__(self) -> str:
        """Return the message."""
        return str(self.args[1])


class WorkflowConflictError(WorkflowError):
    """A run id is already taken by a run of another workflow.

    Attributes:
        run_id: The id in question.
    """

    code = "WORKFLOW_CONFLICT"

    def __init__(self, run_id: str, message: str) -> None:
        super().__init__(run_id, message)
        self.run_id = run_id

    def __str__(self) -> str:
        """Return the message."""
        return str(self.args[1])


class UpdateRejectedError(WorkflowError):
    """An update was not carried out: no handler takes it, or the run ended first.

    Attributes:
        run_id: The run.
        update: The update's name.
        reason: Why.
    """

    code = "UPDATE_REJECTED"

    def __init__(self, run_id: str, update: str, reason: str) -> None:
        super().__init__(run_id, update, reason)
        self.run_id = run_id
        self.update = update
        self.reason = reason

    def __str__(self) -> str:
        """Return one readable line."""
        return f"update {self.update!r} of run {self.run_id!r} was rejected: {self.reason}"


class UpdateFailedError(WorkflowError):
    """The handler or validator of an update raised. It is the `__cause__` of that exception, or stands in for it.

    Attributes:
        update: The update's name.
        failure: What it raised.
    """

    code = "UPDATE_FAILED"

    def __init__(self, update: str, failure: Failure) -> None:
        super().__init__(f"update {update!r} failed: {failure.summary}")
        self.update = update
        self.failure = failure


class WorkflowEndedError(WorkflowError):
    """The run has ended, so it takes no signals and cannot be paused, resumed or terminated any more.

    Attributes:
        run_id: The run.
        status: How it ended.
    """

    code = "WORKFLOW_ENDED"

    def __init__(self, run_id: str, status: str) -> None:
        super().__init__(run_id, status)
        self.run_id = run_id
        self.status = status

    def __str__(self) -> str:
        """Return one readable line."""
        return f"run {self.run_id!r} has ended ({self.status})"


class WorkflowOpenError(WorkflowError):
    """A run cannot be deleted, because it or a child of it has not ended.

    Attributes:
        run_id: The run that was to go.
        open_ids: Runs that have not ended; the first few.
        open_count: How many there are.
    """

    code = "WORKFLOW_OPEN"

    def __init__(self, run_id: str, open_ids: tuple[str, ...], open_count: int) -> None:
        more = f" and {open_count - len(open_ids)} more" if open_count > len(open_ids) else ""
        names = ", ".join(map(repr, open_ids))
        super().__init__(
            f"run {run_id!r} cannot be deleted before these have ended: {names}{more}; cancel or terminate them"
        )
        self.run_id = run_id
        self.open_ids = open_ids
        self.open_count = open_count


class HistoryPurgedError(WorkflowError):
    """What was asked for needs the history of a run, of which only the first and the last event are left.

    Attributes:
        run_id: The run.
        purged_at: When the rest was purged.
    """

    code = "HISTORY_PURGED"

    def __init__(self, run_id: str, purged_at: datetime) -> None:
        super().__init__(
            f"the history of run {run_id!r} was purged on {purged_at:%Y-%m-%d}; its status, input, output and failure are kept"
        )
        self.run_id = run_id
        self.purged_at = purged_at


class QueryNotFoundError(WorkflowError, LookupError):
    """The workflow has published nothing under this key.

    Attributes:
        run_id: The run.
        key: What was asked for.
        published: The keys there are.
    """

    code = "QUERY_NOT_FOUND"

    def __init__(self, run_id: str, key: str, published: tuple[str, ...]) -> None:
        there = ", ".join(published) or "nothing"
        super().__init__(f"run {run_id!r} has not published {key!r}; published: {there}")
        self.run_id = run_id
        self.key = key
        self.published = published


class StepNotFoundError(WorkflowError, LookupError):
    """A run's history has no step of this number.

    Attributes:
        run_id: The run.
        step: What was asked for.
        known: The numbers there are.
    """

    code = "STEP_NOT_FOUND"

    def __init__(self, run_id: str, step: int, known: tuple[int, ...]) -> None:
        there = ", ".join(map(str, known)) or "none"
        super().__init__(f"the history of run {run_id!r} has no step {step}; it has {there}")
        self.run_id = run_id
        self.step = step
        self.known = known


class WorkflowFailedError(WorkflowError):
    """A run ended with an exception.

    Attributes:
        run_id: The run that failed.
        failure: What it failed with, as journalled: type, message, traceback.
    """

    code = "WORKFLOW_FAILED"

    def __init__(self, run_id: str, failure: Failure) -> None:
        super().__init__(f"run {run_id!r} failed: {failure.summary}")
        self.run_id = run_id
        self.failure = failure


class WorkflowCancelledError(WorkflowError):
    """A run was cancelled before it completed.

    Attributes:
        run_id: The run that was cancelled.
    """

    code = "WORKFLOW_CANCELLED"

    def __init__(self, run_id: str) -> None:
        super().__init__(f"run {run_id!r} was cancelled")
        self.run_id = run_id


class WorkflowTerminatedError(WorkflowError):
    """A run was ended from outside, without being asked.

    Attributes:
        run_id: The run that was terminated.
        reason: Why, as given.
    """

    code = "WORKFLOW_TERMINATED"

    def __init__(self, run_id: str, reason: str) -> None:
        super().__init__(f"run {run_id!r} was terminated" + (f": {reason}" if reason else ""))
        self.run_id = run_id
        self.reason = reason


class WorkflowMovedError(WorkflowTerminatedError):
    """A run was moved to another engine, where it goes on.

    Attributes:
        run_id: The run; it has the same id there.
        moved_to: The URL of that engine.
    """

    code = "WORKFLOW_MOVED"

    def __init__(self, run_id: str, moved_to: str) -> None:
        super().__init__(run_id, f"it was moved to {moved_to} and goes on there")
        self.moved_to = moved_to


class StepFailedError(WorkflowError):
    """A step failed for good. It is the `__cause__` of the step's own exception, or stands in for it.

    Attributes:
        step: The step's name.
        attempts: How many attempts were made.
        failure: What the last attempt failed with.
    """

    code = "STEP_FAILED"

    def __init__(self, step: str, attempts: int, failure: Failure) -> None:
        super().__init__(f"step {step!r} failed after {attempts} attempt(s): {failure.summary}")
        self.step = step
        self.attempts = attempts
        self.failure = failure


class StepTimeoutError(WorkflowError, TimeoutError):
    """An attempt of a step took longer than the step's timeout.

    Attributes:
        step: The step's name.
        timeout_s: The limit, in seconds.
    """

    code = "STEP_TIMEOUT"

    def __init__(self, step: str, timeout_s: float) -> None:
        super().__init__(step, timeout_s)
        self.step = step
        self.timeout_s = timeout_s

    def __str__(self) -> str:
        """Return one readable line."""
        return f"step {self.step!r} took longer than {self.timeout_s:g} s"


class StepHeartbeatTimeoutError(StepTimeoutError):
    """An attempt of a step gave no sign of life for longer than the step's heartbeat timeout.

    Attributes:
        step: The step's name.
        timeout_s: The limit, in seconds.
    """

    code = "STEP_HEARTBEAT_TIMEOUT"

    def __str__(self) -> str:
        """Return one readable line."""
        return f"step {self.step!r} gave no heartbeat for {self.timeout_s:g} s"


class StepTotalTimeoutError(StepTimeoutError):
    """A step did not complete within its total timeout, which counts all attempts and the waits between them.

    Attributes:
        step: The step's name.
        timeout_s: The limit, in seconds.
        attempts: How many attempts were begun.
        last_failure: What the last attempt that failed by itself failed with; None when there was none.
    """

    code = "STEP_TOTAL_TIMEOUT"

    def __init__(self, step: str, timeout_s: float, attempts: int, last_failure: dict[str, Any] | None = None) -> None:
        super().__init__(step, timeout_s)
        self.args = (step, timeout_s, attempts, last_failure)  # as JSON values, so that the journal can make it again
        self.attempts = attempts
        self.last_failure = None if last_failure is None else msgspec.convert(last_failure, Failure)

    def __str__(self) -> str:
        """Return one readable line."""
        line = f"step {self.step!r} did not complete within {self.timeout_s:g} s; attempts: {self.attempts}"
        return line if self.last_failure is None else f"{line}; the last one failed with {self.last_failure.summary}"


class NonRetryableError(WorkflowError):
    """Raise it in a step (or derive from it) to fail the step at once, whatever its retry policy says."""

    code = "STEP_NON_RETRYABLE"


class RetryAfterError(WorkflowError):
    """Raise it in a step to say when the next attempt is to begin; whether there is one is up to the retry policy.

    Attributes:
        delay: How long to wait before the next attempt, instead of what the retry policy says.
    """

    code = "STEP_RETRY_AFTER"

    def __init__(self, message: str = "", *, delay: timedelta = timedelta(0)) -> None:
        super().__init__(message)
        self.delay = delay


class NonDeterminismError(WorkflowError):
    """On replay the workflow's code took another path than its history shows.

    Attributes:
        run_id: The run that cannot go on.
        position: The position in the history at which the paths part.
        expected: What the history holds there.
        found: What the code asked for instead.
    """

    code = "NON_DETERMINISM"

    def __init__(self, run_id: str, position: int, expected: str, found: str) -> None:
        super().__init__(
            f"run {run_id!r} cannot be replayed: at position {position} its history has {expected}, "
            f"but the code asked for {found}. Restore the code the run started with, or guard the change with patched()."
        )
        self.run_id = run_id
        self.position = position
        self.expected = expected
        self.found = found


class HistoryFormatError(WorkflowError):
    """An exported history cannot be used: it is no history, has gaps, is of another workflow, or of a newer release."""

    code = "HISTORY_INVALID"


class JournalError(WorkflowError):
    """The journal could not be read or written.

    Attributes:
        path: The journal file.
    """

    code = "JOURNAL_ERROR"

    def __init__(self, path: Path | str, message: str) -> None:
        super().__init__(message)
        self.path = str(path)


class JournalLockedError(JournalError):
    """Another engine has the journal open.

    Attributes:
        pid: The process that holds it; None when it did not leave its id.
    """

    code = "JOURNAL_LOCKED"

    def __init__(self, path: Path | str, pid: int | None) -> None:
        holder = f"process {pid}" if pid else "another process"
        super().__init__(path, f"journal {path} is in use by {holder}; one journal serves one engine at a time")
        self.pid = pid


class JournalCorruptError(JournalError):
    """The journal file is damaged, or is no journal. Nothing was changed in it."""

    code = "JOURNAL_CORRUPT"

    @classmethod
    def damaged(cls, path: Path | str, what: str) -> JournalCorruptError:
        """Make the error for a journal that was one, and say how to get at what is left of it.

        Args:
            path: The journal file.
            what: What was found, as the end of a sentence about the file.
        """
        return cls(
            path,
            f"journal {path} {what}; nothing was changed. `maestro workflow journal check {path}` tells what is damaged, and "
            f"`maestro workflow journal export {path}` gets out the runs that can be read.",
        )


class JournalVersionError(JournalError):
    """The journal was written by a newer release. Nothing was changed in it.

    Attributes:
        found: The format version of the file.
        supported: The newest format version this release reads.
    """

    code = "JOURNAL_VERSION"

    def __init__(self, path: Path | str, found: int, supported: int) -> None:
        super().__init__(
            path,
            f"journal {path} has format {found}; this release reads up to {supported}. Upgrade maestro-workflow-engine.",
        )
        self.found = found
        self.supported = supported


class JournalWriteError(JournalError):
    """The journal cannot be written at the moment (a full disk, a lost volume). What was asked for did not happen."""

    code = "JOURNAL_WRITE"


class StandstillError(WorkflowError, TimeoutError):
    """In a time-skipping engine somebody waited, and nothing happened any more.

    Attributes:
        patience: How long, in real time, nothing happened.
        reasons: What time stood still for, and what unfinished runs wait for.
    """

    code = "TIME_STANDS_STILL"

    def __init__(self, patience: timedelta, reasons: tuple[str, ...]) -> None:
        super().__init__(patience, reasons)
        self.patience = patience
        self.reasons = reasons

    def __str__(self) -> str:
        """Return one readable line."""
        return f"nothing has happened for {self.patience.total_seconds():g} s: {'; '.join(self.reasons)}"
