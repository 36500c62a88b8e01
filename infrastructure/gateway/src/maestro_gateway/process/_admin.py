"""Asking Envoy's administration, over its socket."""

from pathlib import Path
from typing import Final

import httpx2

_TIMEOUT_S: Final = 5.0


class EnvoyAdmin:
    """Envoy's administration.

    Args:
        socket: Where it is.
    """

    def __init__(self, socket: Path) -> None:
        self._socket = socket

    async def is_live(self) -> bool:
        """Tell whether Envoy has all that it needs to serve."""
        try:
            async with self._client() as client:
                return (await client.get("/ready")).status_code == 200
        except httpx2.HTTPError:
            return False

    async def drain(self) -> None:
        """Let connections end with their next answer, and take no more."""
        async with self._client() as client:
            await client.post("/healthcheck/fail")
            await client.post("/drain_listeners", params={"graceful": "", "skip_exit": ""})

    async def number(self, name: str) -> int:
        """Return a number that Envoy counts.

        Args:
            name: Its name.

        Returns:
            The number; 0 when there is none of that name.
        """
        async with self._client() as client:
            answer = await client.get("/stats", params={"filter": f"^{name}$", "format": "json"})
        stats = answer.json().get("stats", [])
        return next((int(each["value"]) for each in stats if each.get("name") == name), 0)

    def _client(self) -> httpx2.AsyncClient:
        transport = httpx2.AsyncHTTPTransport(uds=str(self._socket))
        return httpx2.AsyncClient(transport=transport, base_url="http://envoy", timeout=_TIMEOUT_S)
