"""Asking a service whether it is ready."""

import asyncio
from datetime import timedelta
from functools import cache
from typing import Final
from urllib.parse import urlsplit

import httpx2

from ._postgres_readiness import ask_postgres

READY_PATH: Final = "/health/ready"
_PAUSE: Final = timedelta(milliseconds=100)
_certificates = cache(httpx2.create_ssl_context)  # loading them takes longer than asking


class ReadinessProbe:
    """Asks one service again and again.

    Args:
        url: What answers with 2xx when the service is ready, or a PostgreSQL server.
        timeout: Limit for one question.

    Attributes:
        last_answer: What the latest question brought, for a person.
    """

    def __init__(self, url: str, timeout: timedelta = timedelta(seconds=5)) -> None:
        self._url = url
        self._timeout = timeout
        self.last_answer = "it was not asked yet"

    async def until_ready(self) -> None:
        """Wait until the service says that it is ready; the caller limits the time."""
        async with self._client() as client:
            while not await self._ask(client):  # noqa: ASYNC110 - another process tells, not an event of this one
                await asyncio.sleep(_PAUSE.total_seconds())

    async def is_ready(self) -> bool:
        """Ask once.

        Returns:
            Whether the service is ready.
        """
        async with self._client() as client:
            return await self._ask(client)

    def _client(self) -> httpx2.AsyncClient:
        # Local services are asked directly, whatever proxy the user's environment names.
        return httpx2.AsyncClient(
            verify=_certificates(trust_env=False), trust_env=False, timeout=self._timeout.total_seconds()
        )

    async def _ask(self, client: httpx2.AsyncClient) -> bool:
        place = urlsplit(self._url)
        if place.scheme == "postgresql":
            is_ready, said = await ask_postgres(
                place.hostname or "", place.port or 0, timeout_s=self._timeout.total_seconds()
            )
            self.last_answer = f"{self._url}: {said}"
            return is_ready
        try:
            response = await client.get(self._url)
        except httpx2.TransportError as error:
            self.last_answer = f"{self._url}: {str(error) or type(error).__name__}"
            return False
        self.last_answer = f"{self._url}: {response.status_code} {response.text.strip()[:300]}"
        return response.is_success
