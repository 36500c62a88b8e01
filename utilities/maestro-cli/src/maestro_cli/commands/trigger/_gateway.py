"""Which gateway a command talks to."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from maestro_cli.local import EDGE, Home

if TYPE_CHECKING:
    from maestro_cli.client import TriggerClient

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Gateway:
    """Which gateway is meant."""

    home: Home
    url: str | None
    token: str | None

    def call(self, work: Callable[[TriggerClient], Awaitable[T]]) -> T:
        """Do something with the gateway.

        Args:
            work: What to do.

        Returns:
            What it returned.
        """
        from maestro_cli.client import TriggerClient, open_service  # noqa: PLC0415 - help is shown without

        async def run() -> T:
            async with open_service(self.home, EDGE, self.url, self.token) as client:
                return await work(TriggerClient(client))

        return asyncio.run(run())

    def base_url(self) -> str:
        """Return the gateway's base URL."""
        from maestro_cli.client import service_url  # noqa: PLC0415 - as above

        return (self.url or service_url(self.home, EDGE)).rstrip("/")
