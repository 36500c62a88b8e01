"""Calls to the cluster, and what its refusals mean."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Final

from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from maestro_workflow_engine._errors import ClusterUnreachableError, WorkflowEndedError, WorkflowNotFoundError
from maestro_workflow_engine.temporal._address import TemporalAddress

_INNERMOST: Final = re.compile(r'(?:message|error): "([^"]+)"')
_PATIENCE: Final = timedelta(seconds=5)
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
    if is_unreachable(error):
        raise ClusterUnreachableError(target, error.message) from error


def is_unreachable(error: RPCError) -> bool:
    """Tell whether a refusal means that the cluster cannot be used now, whatever was asked."""
    return error.status in _UNREACHABLE


def said(error: Exception) -> str:
    """Return what the SDK has to say about a connection that failed: the innermost text, which is the system's.

    It comes as a nest such as `Failed client connect: ...Error(ConnectError("tcp connect error", ... message: "Connection refused" })`.
    """
    texts = _INNERMOST.findall(str(error))
    return texts[-1].lower() if texts else str(error)


async def reach(client: Client, address: TemporalAddress) -> None:
    """Ask the cluster for the namespace.

    Raises:
        ClusterUnreachableError: The cluster does not answer, does not let this client in, or has no such namespace.
    """
    wanted = DescribeNamespaceRequest(namespace=address.namespace)
    try:
        await client.workflow_service.describe_namespace(wanted, timeout=_PATIENCE)
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            reason = f"it has no namespace {address.namespace!r}; have its administrator create it"
            raise ClusterUnreachableError(address.target, reason) from error
        raise ClusterUnreachableError(address.target, error.message) from error
