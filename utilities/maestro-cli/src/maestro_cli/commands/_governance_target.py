"""Which governance-service a command talks to, and as whom."""

from __future__ import annotations

import asyncio
import getpass
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

import rich_click as click

from maestro_cli.local import Home

if TYPE_CHECKING:
    from maestro_cli.governance import GovernanceClient

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., object])
LOCAL_ADMIN: Final = "maestro-cli"
"""Who calls where the local key issues the token and no person is meant."""
url_option = click.option(
    "--url",
    envvar="MAESTRO_GOVERNANCE_URL",
    show_envvar=True,
    help="Another governance-service than the local one.",
)


@dataclass(frozen=True, slots=True)
class GovernanceTarget:
    """Which governance-service is meant, and who calls."""

    home: Home
    url: str | None
    token: str | None
    user: str | None
    """For whom the local key issues tokens; None for who works at this machine."""

    def call(self, work: Callable[[GovernanceClient], Awaitable[T]]) -> T:
        """Do something with governance-service.

        Args:
            work: What to do.

        Returns:
            What it returned.
        """
        from maestro_cli.governance import open_governance  # noqa: PLC0415  commands that only read files do without

        async def run() -> T:
            async with open_governance(self.home, self.url, self.token, self.user or _login_name()) as client:
                return await work(client)

        return asyncio.run(run())

    def listed(self, *parts: str, limit: int, **filters: Any) -> list[dict[str, Any]]:
        """Read a listing; see `GovernanceClient.listed`."""
        return self.call(lambda client: client.listed(*parts, limit=limit, **filters))


def governance_options(command: F) -> F:
    """Give a command the options that say which service is meant, and as whom; it gets them as `url`, `token` and `user`."""
    user = click.option(
        "--as",
        "user",
        envvar="MAESTRO_USER",
        show_envvar=True,
        help="Who you are, where the local key issues your token. Default: your login name.",
    )
    return service_options(user(command))


def service_options(command: F) -> F:
    """Give a command the options that say which service is meant, and with which token; it gets them as `url` and `token`."""
    token = click.option(
        "--token", envvar="MAESTRO_TOKEN", show_envvar=True, help="Bearer token, in place of that of `maestro login`."
    )
    return url_option(token(command))


def _login_name() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # A container's user need not have a name.
        return "maestro-cli"
