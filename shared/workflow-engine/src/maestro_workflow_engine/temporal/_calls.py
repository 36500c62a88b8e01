"""Calls to the cluster, and what its refusals mean."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from temporalio.service import RPCError, RPCStatusCode

from maestro_workflow_engine._errors import ClusterUnreachableError, WorkflowEndedError, WorkflowNotFoundError

_UNREACHABLE = (
    RPCStatusCode.UNAVAILABLE,
    RPCStatusCode.DEADLINE_EXCEEDED,
    RPCStatusCode.UNAUTHENTICATED,
    RPCStatusCode.PERMISSION_DENIED,
    RPCStatusCode.RESOURCE_EXHAUSTED,
    # What a server that dies in the midst of a call leaves, and one that is not all there yet.
    RPCStatusCode.CANCELLED,
    RPCStatusCode.UNKNOWN,
    RPCStatusCode.INTERNAL,
    RPCStatusCode.ABORTED,
    RPCStatusCode.FAILED_PRECONDITION,
)


@contextmanager
def about(run_id: str, target: str) -> Iterator[None]:
    """Turn the cluster's errors about a run into the engine's.

    Raises:
        WorkflowNotFoundError: No such run.
        WorkflowEndedError: It has ended.
        ClusterUnreachableError: The cluster does not answer, or does not let this client in.
    """
    try:
        yield
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            if "already completed" in error.message:
                raise WorkflowEndedError(run_id, "some time ago") from error
            raise WorkflowNotFoundError(run_id, f"there is no run {run_id!r}") from error
        check_reached(error, target)
        raise


def check_reached(error: RPCError, target: str) -> None:
    """Raise the engine's error when the cluster has not come to an answer; return when it has refused.

    Raises:
        ClusterUnreachableError: The cluster does not answer, or does not let this client in.
    """
    if error.status in _UNREACHABLE:
        raise ClusterUnreachableError(target, error.message) from error
