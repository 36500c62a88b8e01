"""The orchestrator's HTTP interface, and how it is found and opened."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from maestro_cli.local import ORCHESTRATOR, Home
from maestro_core_api import APIClient

from ._events import EventCalls
from ._many_runs import ManyRunCalls
from ._queues import QueueCalls
from ._runs import RunCalls
from ._schedules import ScheduleCalls
from ._services import TIMEOUT, open_service, service_url
from ._workflows import WorkflowCalls


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
    home: Home, url: str | None, token: str | None, *, timeout: timedelta = TIMEOUT
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
    async with open_service(home, ORCHESTRATOR, url, token, timeout=timeout) as client:
        yield OrchestratorClient(client)


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
