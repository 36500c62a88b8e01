"""Calls to the registry: who runs where, and what each service is."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, Final
from urllib.parse import quote

from maestro_cli.local import REGISTRY, Home
from maestro_core_api import APIClient, StreamEvent

from ._services import TIMEOUT, open_service, service_url

# The registry sends a sign of life at least every 15 s.
_LONGEST_SILENCE: Final = timedelta(seconds=60)
_RECONNECTS: Final = 30
JSON = Any
"""Any JSON value."""


class RegistryClient:
    """The registry's HTTP interface.

    Args:
        client: An open client whose base URL is the registry's.
    """

    def __init__(self, client: APIClient) -> None:
        self._client = client

    async def services(self, wanted: Mapping[str, JSON]) -> Sequence[Mapping[str, JSON]]:
        """List the services that have live instances.

        Args:
            wanted: Which instances, as the registry takes it.

        Returns:
            Each with its instances.
        """
        found: Sequence[Mapping[str, JSON]] = (await self._client.get("/services", params=wanted)).json()["services"]
        return found

    async def service(self, name: str, wanted: Mapping[str, JSON]) -> Mapping[str, JSON]:
        """Fetch a service with its instances.

        Args:
            name: Its name.
            wanted: Which instances, as the registry takes it.
        """
        found: Mapping[str, JSON] = (await self._client.get(f"/services/{_segment(name)}", params=wanted)).json()
        return found

    async def watch(self, names: Sequence[str]) -> AsyncIterator[StreamEvent]:
        """Follow changes, over breaks and restarts of the registry.

        Args:
            names: The services that are meant; none for all.

        Yields:
            One event after the other; `reset` begins anew.
        """
        headers: dict[str, str] = {}
        while True:
            events = self._client.stream_events(
                "/services/watch",
                params={"service": list(names)},
                headers=headers,
                read_timeout=_LONGEST_SILENCE,
                reconnects=_RECONNECTS,
            )
            async for event in events:
                if event.id is not None:
                    headers = {"Last-Event-ID": event.id}
                yield event

    async def catalog(self) -> Sequence[Mapping[str, JSON]]:
        """List what is in the catalog, with what does not agree."""
        found: Sequence[Mapping[str, JSON]] = (await self._client.get("/catalog")).json()["services"]
        return found

    async def entry(self, name: str) -> Mapping[str, JSON]:
        """Fetch the catalog's entry of a service.

        Args:
            name: Its name.
        """
        found: Mapping[str, JSON] = (await self._client.get(f"/catalog/{_segment(name)}")).json()
        return found

    async def dependencies(self, name: str) -> Mapping[str, JSON]:
        """Compare what a service declares with what it was seen calling.

        Args:
            name: Its name.
        """
        path = f"/catalog/{_segment(name)}/dependencies"
        found: Mapping[str, JSON] = (await self._client.get(path)).json()
        return found


@asynccontextmanager
async def open_registry(
    home: Home, url: str | None, token: str | None, *, timeout: timedelta = TIMEOUT
) -> AsyncIterator[RegistryClient]:
    """Open the registry of an environment.

    Args:
        home: The environment's folder.
        url: Another registry's base URL; None for the environment's own.
        token: Bearer token; None issues tokens with the environment's key.
        timeout: How long to wait for an answer.

    Yields:
        The client.

    Raises:
        NotRunningError: The environment does not run, or has no registry.
        MaestroCliError: There is no key to issue tokens with.
        ServiceAnswerError: A call in the block failed.
    """
    async with open_service(home, REGISTRY, url, token, timeout=timeout) as client:
        yield RegistryClient(client)


def registry_url(home: Home) -> str:
    """Find the registry of an environment.

    Args:
        home: The environment's folder.

    Returns:
        Its base URL.

    Raises:
        NotRunningError: The environment does not run, or has no registry.
    """
    return service_url(home, REGISTRY)


def _segment(name: str) -> str:
    return quote(name, safe="")
