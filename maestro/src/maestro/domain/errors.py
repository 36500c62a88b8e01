"""What can go wrong, without a word of HTTP."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with what was given."""

    path: str
    """Where: a JSON Pointer, a file and line, a module."""
    message: str
    """What is wrong, and what to do where that is known."""

    def __str__(self) -> str:
        """Return the fault as one line."""
        return f"{self.path}: {self.message}" if self.path else self.message


class OrchestratorError(Exception):
    """The root of the orchestrator's own errors."""

    code: ClassVar[str] = "ORCHESTRATOR_ERROR"


class UnknownWorkflowError(OrchestratorError):
    """There is no such workflow.

    Attributes:
        reference: What was asked for.
        available: What there is, as "namespace/name:version".
    """

    code = "WORKFLOW_NOT_FOUND"

    def __init__(self, reference: str, available: Sequence[str]) -> None:
        self.reference = reference
        self.available = tuple(available)
        there = ", ".join(available) or "none yet"
        super().__init__(f"there is no workflow {reference!r}; registered: {there}")


class UnusableWorkflowError(OrchestratorError):
    """The workflow is registered, but cannot run at the moment.

    Attributes:
        reference: The workflow.
        problem: Why it cannot run.
    """

    code = "WORKFLOW_UNUSABLE"

    def __init__(self, reference: str, problem: str) -> None:
        self.reference = reference
        self.problem = problem
        super().__init__(f"workflow {reference!r} cannot run: {problem}")


class InvalidWorkflowError(OrchestratorError):
    """A workflow document has faults; all are listed.

    Attributes:
        faults: The faults, each with its JSON Pointer.
    """

    code = "INVALID_WORKFLOW"

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__(_listed("the document", self.faults))


class WorkflowExistsError(OrchestratorError):
    """This version exists with other content: a definition never changes once it is registered.

    Attributes:
        reference: The definition.
    """

    code = "CONFLICT"

    def __init__(self, reference: str, message: str) -> None:
        self.reference = reference
        super().__init__(message)


class InvalidInputError(OrchestratorError):
    """The input of a run does not fit its workflow.

    Attributes:
        fault: What does not fit.
    """

    code = "PAYLOAD_INVALID"

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        super().__init__(str(fault))


class InvalidRequestError(OrchestratorError):
    """What was asked for makes no sense.

    Attributes:
        fault: What makes none.
    """

    code = "VALIDATION_FAILED"

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        super().__init__(str(fault))


class UnknownRunError(OrchestratorError):
    """There is no such run.

    Attributes:
        run_id: What was asked for.
    """

    code = "RUN_NOT_FOUND"

    def __init__(self, run_id: str) -> None:
        self.run_id = run_id
        super().__init__(f"there is no run {run_id!r}")


class RunEndedError(OrchestratorError):
    """The run has ended already.

    Attributes:
        run_id: The run.
        status: How it ended.
    """

    code = "WORKFLOW_ENDED"

    def __init__(self, run_id: str, status: str) -> None:
        self.run_id = run_id
        self.status = status
        super().__init__(f"run {run_id!r} has ended: {status}")


class UnknownUpdateError(OrchestratorError):
    """The run was not asked for such an update.

    Attributes:
        run_id: The run.
        update: The update's name.
        update_id: The update's id.
    """

    code = "UPDATE_NOT_FOUND"

    def __init__(self, run_id: str, update: str, update_id: str) -> None:
        self.run_id = run_id
        self.update = update
        self.update_id = update_id
        super().__init__(f"run {run_id!r} was not asked for an update {update!r} with the id {update_id!r}")


class UpdateUnansweredError(OrchestratorError):
    """An update is kept and under way, and its answer has not come yet. Asking again with the same id is the same request.

    Attributes:
        run_id: The run.
        update: The update's name.
        update_id: The update's id.
    """

    code = "UPDATE_UNANSWERED"

    def __init__(self, run_id: str, update: str, update_id: str) -> None:
        self.run_id = run_id
        self.update = update
        self.update_id = update_id
        super().__init__(f"run {run_id!r} has not answered update {update!r} yet; ask again with the id {update_id!r}")


class UpdateUnsettledError(OrchestratorError):
    """It is not known yet whether an update could be kept: the disk is slow. Ask again with the same id.

    Attributes:
        run_id: The run.
        update: The update's name.
        update_id: The update's id.
    """

    code = "UPDATE_UNSETTLED"

    def __init__(self, run_id: str, update: str, update_id: str) -> None:
        self.run_id = run_id
        self.update = update
        self.update_id = update_id
        super().__init__(
            f"it is not known yet whether update {update!r} of run {run_id!r} could be kept; ask again with the id {update_id!r}"
        )


class ScheduleExistsError(OrchestratorError):
    """There is a schedule of this id already.

    Attributes:
        schedule_id: The id.
    """

    code = "SCHEDULE_EXISTS"

    def __init__(self, schedule_id: str) -> None:
        self.schedule_id = schedule_id
        super().__init__(f"there is a schedule {schedule_id!r} already; PUT defines it anew, PATCH changes some of it")


class ScheduleInputUnknownError(OrchestratorError):
    """A schedule's workflow is to change while its input cannot be taken over.

    Attributes:
        schedule_id: The schedule.
        problem: What is wrong with the schedule.
    """

    code = "SCHEDULE_INPUT_UNKNOWN"

    def __init__(self, schedule_id: str, problem: str) -> None:
        self.schedule_id = schedule_id
        self.problem = problem
        super().__init__(
            f"schedule {schedule_id!r} has a problem ({problem}); give its input together with its workflow"
        )


class UnknownPersonaError(OrchestratorError):
    """There is no such persona.

    Attributes:
        name: What was asked for.
        available: The names there are.
    """

    code = "PERSONA_NOT_FOUND"

    def __init__(self, name: str, available: Sequence[str]) -> None:
        self.name = name
        self.available = tuple(available)
        super().__init__(f"there is no persona {name!r}; there is: {', '.join(available) or 'none'}")


class StorageError(OrchestratorError):
    """The definitions cannot be read or written.

    Attributes:
        path: The file.
    """

    code = "STORAGE_UNAVAILABLE"

    def __init__(self, path: str, message: str) -> None:
        self.path = path
        super().__init__(f"{path}: {message}")


class SetupError(OrchestratorError):
    """Something that the service starts with is wrong; all faults are listed.

    Attributes:
        what: What is wrong, such as "the personas".
        faults: The faults.
    """

    code = "SETUP_INVALID"

    def __init__(self, what: str, faults: Iterable[Fault]) -> None:
        self.what = what
        self.faults = tuple(faults)
        super().__init__(_listed(what, self.faults))


def _listed(what: str, faults: Sequence[Fault]) -> str:
    count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
    return "\n  - ".join([f"{what}: {count}", *map(str, faults)])
