"""Which registry a command talks to."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import rich_click as click

from maestro_cli.local import Home

if TYPE_CHECKING:
    from maestro_cli.client import RegistryClient

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., object])


@dataclass(frozen=True, slots=True)
class RegistryTarget:
    """Which registry is meant."""

    home: Home
    url: str | None
    token: str | None

    def call(self, work: Callable[[RegistryClient], Awaitable[T]]) -> T:
        """Do something with the registry.

        Args:
            work: What to do.

        Returns:
            What it returned.
        """
        from maestro_cli.client import open_registry  # noqa: PLC0415  commands that only read files do without

        async def run() -> T:
            async with open_registry(self.home, self.url, self.token) as client:
                return await work(client)

        return asyncio.run(run())


def registry_options(command: F) -> F:
    """Give a group the options that say which registry is meant; it gets them as `url` and `token`."""
    url = click.option(
        "--url", envvar="MAESTRO_REGISTRY_URL", show_envvar=True, help="Another registry than the local one."
    )
    token = click.option(
        "--token", envvar="MAESTRO_TOKEN", show_envvar=True, help="Bearer token, when the local key does not fit."
    )
    return url(token(command))
