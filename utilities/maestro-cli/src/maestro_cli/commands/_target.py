"""Which orchestrator a command talks to."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

import rich_click as click

from maestro_cli.local import Home

if TYPE_CHECKING:
    from maestro_cli.client import OrchestratorClient

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., object])


@dataclass(frozen=True, slots=True)
class Target:
    """Which orchestrator is meant."""

    home: Home
    url: str | None
    token: str | None

    def call(
        self, work: Callable[[OrchestratorClient], Awaitable[T]], *, timeout: timedelta = timedelta(seconds=30)
    ) -> T:
        """Do something with the orchestrator.

        Args:
            work: What to do.
            timeout: How long to wait for each answer.

        Returns:
            What it returned.
        """
        from maestro_cli.client import open_orchestrator  # noqa: PLC0415  commands that only read files do without

        async def run() -> T:
            async with open_orchestrator(self.home, self.url, self.token, timeout=timeout) as client:
                return await work(client)

        return asyncio.run(run())


def target_options(command: F) -> F:
    """Give a group the options that say which orchestrator is meant; it gets them as `url` and `token`."""
    url = click.option(
        "--url", envvar="MAESTRO_ORCHESTRATOR_URL", show_envvar=True, help="Another orchestrator than the local one."
    )
    token = click.option(
        "--token", envvar="MAESTRO_TOKEN", show_envvar=True, help="Bearer token, when the local key does not fit."
    )
    return url(token(command))
