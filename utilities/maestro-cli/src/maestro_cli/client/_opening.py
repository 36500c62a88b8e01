"""The orchestrator's HTTP interface, and how it is found and opened."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from http import HTTPStatus
from typing import Final

from maestro_cli._errors import MaestroCliError, NotRunningError, ServiceAnswerError
from maestro_cli.local import ORCHESTRATOR, Home, load_state, lock_holder, own_environment, read_jwt_secret
from maestro_core_api import APIClient, APIException, ClientConfig, ServiceUnavailableException, issue_token

from ._events import EventCalls
from ._many_runs import ManyRunCalls
from ._queues import QueueCalls
from ._runs import RunCalls
from ._schedules import ScheduleCalls
from ._workflows import WorkflowCalls

_TIMEOUT: Final = timedelta(seconds=30)
_SUBJECT: Final = "maestro-cli"


class OrchestratorClient(RunCalls, ManyRunCalls, WorkflowCalls, ScheduleCalls, QueueCalls, EventCalls):
    """The orchestrator's HTTP interface.

    Args:
        client: An open client whose base URL is the orchestrator's.
        patience: How long the orchestrator may be away while something is waited for.
    """

    def __init__(self, client: APIClient, *, patience: timedelta = timedelta(minutes=1)) -> None:
        self._client = client
        self._patience = patience


@asynccontextmanager
async def open_orchestrator(
    home: Home, url: str | None, token: str | None, *, timeout: timedelta = _TIMEOUT
) -> AsyncIterator[OrchestratorClient]:
    """Open the orchestrator of an environment.

    Args:
        home: The environment's folder.
        url: Another orchestrator's base URL; None for the environment's own.
        token: Bearer token; None issues tokens with the environment's key.
        timeout: How long to wait for an answer.

    Yields:
        The client.

    Raises:
        NotRunningError: The environment does not run, or has no orchestrator.
        MaestroCliError: There is no key to issue tokens with.
        ServiceAnswerError: A call in the block failed.
    """
    # Whoever waits at a terminal wants to know at once that the orchestrator is back.
    patient = ClientConfig(circuit=None)
    base_url, issuer = url or orchestrator_url(home), token or _issuer(home)
    async with APIClient(base_url, token=issuer, timeout=timeout, config=patient) as client:
        try:
            yield OrchestratorClient(client)
        except APIException as error:
            raise _answer_error(error) from error


def orchestrator_url(home: Home) -> str:
    """Find the orchestrator of an environment.

    Args:
        home: The environment's folder.

    Returns:
        Its base URL.

    Raises:
        NotRunningError: The environment does not run, or has no orchestrator.
    """
    return service_url(home, ORCHESTRATOR)


def service_url(home: Home, name: str) -> str:
    """Find a service of an environment.

    Args:
        home: The environment's folder.
        name: The service.

    Returns:
        Its base URL.

    Raises:
        NotRunningError: The environment does not run, or has no such service.
    """
    state = load_state(home) if lock_holder(home) is not None else None
    if state is None:
        raise NotRunningError(home.root)
    service = state.service(name)
    if service is None:
        raise NotRunningError(home.root, f"what runs there has no {name}")
    return service.url


@asynccontextmanager
async def open_service(home: Home, name: str, url: str | None, token: str | None) -> AsyncIterator[APIClient]:
    """Open a service of an environment, for calls in its own words; see `open_orchestrator`."""
    base_url, issuer = url or service_url(home, name), token or _issuer(home)
    async with APIClient(base_url, token=issuer, timeout=_TIMEOUT, config=ClientConfig(circuit=None)) as client:
        try:
            yield client
        except APIException as error:
            raise _answer_error(error) from error


def _issuer(home: Home) -> Callable[[], str]:
    secret = read_jwt_secret(home, own_environment())
    if secret is None:
        raise MaestroCliError(f"{home.root} has no signing key", hint="Pass --token, or start it with `maestro up`.")
    return lambda: issue_token(secret, subject=_SUBJECT, roles=("admin",))


def _answer_error(error: APIException) -> ServiceAnswerError:
    trace_id = (error.problem or {}).get("trace_id")
    broken = error.status_code >= 500 and error.status_code != HTTPStatus.NOT_IMPLEMENTED
    hint = f"The services' logs tell more under trace {trace_id}." if broken and trace_id else None
    if isinstance(error, ServiceUnavailableException):
        hint = "`maestro status` tells whether it runs, `maestro logs` what it says."
    faults = [(fault.get("path") or "(document)", fault.get("message", "")) for fault in error.errors]
    return ServiceAnswerError(error.message, error.error_code, detail=error.detail, faults=faults, hint=hint)
