"""The orchestrator's errors as answers over HTTP."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from maestro.domain.errors import (
    Fault,
    InvalidInputError,
    InvalidRequestError,
    InvalidWorkflowError,
    OrchestratorError,
    RunEndedError,
    ScheduleExistsError,
    ScheduleInputUnknownError,
    StorageError,
    UnknownPersonaError,
    UnknownRunError,
    UnknownUpdateError,
    UnknownWorkflowError,
    UnusableWorkflowError,
    UpdateUnsettledError,
    WorkflowExistsError,
)
from maestro_core_api import (
    APIException,
    ConflictException,
    NotFoundException,
    ServiceUnavailableException,
    ValidationException,
)
from maestro_workflow_engine import (
    CloudEventError,
    ClusterUnreachableError,
    EngineClosedError,
    HistoryPurgedError,
    JournalWriteError,
    PayloadError,
    PayloadStoreError,
    QueryNotFoundError,
    QueueNotFoundError,
    RunExistsError,
    ScheduleNotFoundError,
    ScheduleSpecError,
    SearchAttributeError,
    StartOptionsError,
    StepNotFoundError,
    UnsupportedByRunnerError,
    UpdateFailedError,
    UpdateRejectedError,
    WorkflowConflictError,
    WorkflowError,
    WorkflowOpenError,
)


class WorkflowNotFoundException(NotFoundException):
    """404: there is no such workflow."""

    error_code = "WORKFLOW_NOT_FOUND"
    message = "Workflow not found"


class RunNotFoundException(NotFoundException):
    """404: there is no such run."""

    error_code = "RUN_NOT_FOUND"
    message = "Run not found"


class QueryNotFoundException(NotFoundException):
    """404: the run has published nothing under this key."""

    error_code = "QUERY_NOT_FOUND"
    message = "Nothing is published under this key"


class PersonaNotFoundException(NotFoundException):
    """404: there is no such persona."""

    error_code = "PERSONA_NOT_FOUND"
    message = "Persona not found"


class StepNotFoundException(NotFoundException):
    """404: the run's history has no such step."""

    error_code = "STEP_NOT_FOUND"
    message = "Step not found"


class QueueNotFoundException(NotFoundException):
    """404: no queue of this name is declared."""

    error_code = "QUEUE_NOT_FOUND"
    message = "Queue not found"


class UpdateNotFoundException(NotFoundException):
    """404: the run was not asked for such an update."""

    error_code = "UPDATE_NOT_FOUND"
    message = "Update not found"


class ScheduleNotFoundException(NotFoundException):
    """404: there is no such schedule."""

    error_code = "SCHEDULE_NOT_FOUND"
    message = "Schedule not found"


class InvalidWorkflowException(ValidationException):
    """422: the workflow document has faults; all are listed."""

    error_code = "INVALID_WORKFLOW"
    message = "The workflow document is not valid"


class PayloadInvalidException(ValidationException):
    """422: the input, the payload or the run's id does not fit."""

    error_code = "PAYLOAD_INVALID"
    message = "The input does not fit"


class EventInvalidException(ValidationException):
    """422: something is no CloudEvent."""

    error_code = "EVENT_INVALID"
    message = "That is no event"


class ScheduleInvalidException(ValidationException):
    """422: the schedule's id, expression, zone or times make no sense."""

    error_code = "SCHEDULE_INVALID"
    message = "There can be no such schedule"


class StartOptionsException(ValidationException):
    """422: the options of a start make no sense, or not together."""

    error_code = "START_OPTIONS_INVALID"
    message = "A run cannot be started like that"


class SearchAttributeException(ValidationException):
    """422: the name or value of a search attribute is none."""

    error_code = "SEARCH_ATTRIBUTE_INVALID"
    message = "There can be no such search attribute"


class UpdateFailedException(ValidationException):
    """422: the workflow's handler or validator of the update raised; `error` says what."""

    error_code = "UPDATE_FAILED"
    message = "The workflow answered with an error"


class ConflictingException(ConflictException):
    """409: the name is taken by something else."""

    error_code = "CONFLICT"
    message = "There is something else of that name"


class RunExistsException(ConflictException):
    """409: there is such a run, and the options of the start say that this is an error."""

    error_code = "RUN_EXISTS"
    message = "There is such a run"


class WorkflowUnusableException(ConflictException):
    """409: the workflow is registered but cannot run at the moment."""

    error_code = "WORKFLOW_UNUSABLE"
    message = "The workflow cannot run at the moment"


class WorkflowOpenException(ConflictException):
    """409: the run, or a child of it, has not ended; `open` names the first few that have not."""

    error_code = "WORKFLOW_OPEN"
    message = "The run has not ended"


class HistoryPurgedException(APIException):
    """410: the history of the run was purged."""

    status_code = 410
    error_code = "HISTORY_PURGED"
    message = "The history was purged"


class WorkflowEndedException(ConflictException):
    """409: the run has ended already."""

    error_code = "WORKFLOW_ENDED"
    message = "The run has ended"


class ScheduleExistsException(ConflictException):
    """409: there is a schedule of this id already."""

    error_code = "SCHEDULE_EXISTS"
    message = "There is a schedule of that id"


class ScheduleInputUnknownException(ConflictException):
    """409: the schedule's input cannot be taken over; it has to be given."""

    error_code = "SCHEDULE_INPUT_UNKNOWN"
    message = "The schedule's input cannot be taken over"


class UpdateRejectedException(ConflictException):
    """409: the run takes no such update as it stands: no handler, a payload that does not fit, or it ended first."""

    error_code = "UPDATE_REJECTED"
    message = "The run does not take this update"


class UpdateUnsettledException(ServiceUnavailableException):
    """503: it is not known yet whether the update could be kept; ask again with the same id."""

    error_code = "UPDATE_UNSETTLED"
    message = "The update could not be kept in time"


class PayloadStoreException(ServiceUnavailableException):
    """503: the payload store cannot be reached; nothing of what was asked happened."""

    error_code = "PAYLOAD_STORE"
    message = "The payload store cannot be reached"


class StorageUnavailableException(ServiceUnavailableException):
    """503: the disk refuses; nothing of what was asked happened."""

    error_code = "STORAGE_UNAVAILABLE"
    message = "Nothing can be kept at the moment"


class ClusterUnreachableException(ServiceUnavailableException):
    """503: the Temporal cluster does not answer, or does not let the orchestrator in."""

    error_code = "CLUSTER_UNREACHABLE"
    message = "The Temporal cluster cannot be reached"


class UnsupportedByRunnerException(APIException):
    """501: where the orchestrator keeps its runs this cannot be done; `detail` says what to do instead."""

    status_code = 501
    error_code = "UNSUPPORTED_BY_RUNNER"
    message = "This cannot be done where the runs are kept"


class StoppingException(ServiceUnavailableException):
    """503: the service is starting or stopping."""

    error_code = "ENGINE_CLOSED"
    message = "The orchestrator is not running"


_RETRY_AFTER_S = "5"
_PLAIN: Mapping[type[Exception], type[APIException]] = {
    UnknownWorkflowError: WorkflowNotFoundException,
    UnknownPersonaError: PersonaNotFoundException,
    UnknownRunError: RunNotFoundException,
    UnknownUpdateError: UpdateNotFoundException,
    ScheduleNotFoundError: ScheduleNotFoundException,
    ScheduleExistsError: ScheduleExistsException,
    ScheduleInputUnknownError: ScheduleInputUnknownException,
    ScheduleSpecError: ScheduleInvalidException,
    CloudEventError: EventInvalidException,
    SearchAttributeError: SearchAttributeException,
    StartOptionsError: StartOptionsException,
    HistoryPurgedError: HistoryPurgedException,
    QueryNotFoundError: QueryNotFoundException,
    UpdateRejectedError: UpdateRejectedException,
    UpdateFailedError: UpdateFailedException,
    RunExistsError: RunExistsException,
    WorkflowOpenError: WorkflowOpenException,
    StepNotFoundError: StepNotFoundException,
    UnsupportedByRunnerError: UnsupportedByRunnerException,
    UpdateUnsettledError: UpdateUnsettledException,
    WorkflowExistsError: ConflictingException,
    UnusableWorkflowError: WorkflowUnusableException,
    StorageError: StorageUnavailableException,
    PayloadError: PayloadInvalidException,
    WorkflowConflictError: ConflictingException,
    JournalWriteError: StorageUnavailableException,
    PayloadStoreError: PayloadStoreException,
    ClusterUnreachableError: ClusterUnreachableException,
    EngineClosedError: StoppingException,
}
"""How each error is answered; some say more than their message, see below."""


@contextmanager
def answered() -> Iterator[None]:
    """Turn the domain's and the engine's errors, raised in the block, into answers.

    Raises:
        APIException: What was raised, said in HTTP.
    """
    try:
        yield
    except OrchestratorError as error:
        raise _from_domain(error) from error
    except WorkflowError as error:
        raise _from_engine(error) from error


def _from_domain(error: OrchestratorError) -> APIException:
    detail = str(error)
    match error:
        case UnknownWorkflowError() | UnknownPersonaError():
            return _PLAIN[type(error)](detail=detail, available=list(error.available))
        case InvalidWorkflowError():
            count = "1 fault" if len(error.faults) == 1 else f"{len(error.faults)} faults"
            return InvalidWorkflowException(detail=f"{count} in the document", errors=_items(error.faults))
        case InvalidInputError():
            return PayloadInvalidException(detail=detail, errors=_items([error.fault]))
        case InvalidRequestError():
            return ValidationException(detail=detail, errors=_items([error.fault]))
        case RunEndedError():
            return WorkflowEndedException(detail=detail, run_status=error.status)
        case _:
            return _plain(error, error.code)


def _from_engine(error: WorkflowError) -> APIException:
    match error:
        case QueryNotFoundError():
            return _plain(error, error.code, published=list(error.published))
        case UpdateRejectedError():
            return _plain(error, error.code, reason=error.reason)
        case UpdateFailedError():
            raised = {"type": error.failure.type.rpartition(":")[2], "message": error.failure.message}
            return _plain(error, error.code, error=raised)
        case QueueNotFoundError():
            there = ", ".join(error.declared) or "none"
            detail = f"there is no queue {error.name!r}; the orchestrator's setting `queues` declares: {there}"
            return QueueNotFoundException(detail=detail, available=list(error.declared))
        case _:
            return _plain(error, error.code, **_more(error))


def _more(error: WorkflowError) -> dict[str, Any]:
    match error:
        case RunExistsError():
            return {"run_id": error.run_id, "run_status": error.status}
        case WorkflowOpenError():
            return {"open": list(error.open_ids), "open_count": error.open_count}
        case StepNotFoundError():
            return {"known": list(error.known)}
        case UnsupportedByRunnerError():
            return {"feature": error.feature, "runner": error.runner}
        case _:
            return {}


def _plain(raised: Exception, code: str, /, **more: Any) -> APIException:
    known = _PLAIN.get(type(raised))
    if known is None:
        return APIException(detail=str(raised), error_code=code)
    waits = issubclass(known, ServiceUnavailableException)
    return known(detail=str(raised), headers={"Retry-After": _RETRY_AFTER_S} if waits else None, **more)


def _items(faults: Iterable[Fault]) -> list[dict[str, str]]:
    return [{"path": fault.path, "message": fault.message} for fault in faults]
