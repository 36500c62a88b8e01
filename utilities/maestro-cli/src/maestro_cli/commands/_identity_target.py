"""Which governance-service a command talks to."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import rich_click as click

from maestro_cli.local import Home

if TYPE_CHECKING:
    from maestro_core_api import APIClient

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., object])
_PAGE = 200


@dataclass(frozen=True, slots=True)
class IdentityTarget:
    """Which governance-service is meant, and who calls."""

    home: Home
    url: str | None
    token: str | None

    def call(self, work: Callable[[APIClient], Awaitable[T]]) -> T:
        """Do something with governance-service.

        Args:
            work: What to do.

        Returns:
            What it returned.
        """
        from maestro_cli.governance import open_governance  # noqa: PLC0415  commands that only read files do without

        async def run() -> T:
            async with open_governance(self.home, self.url, self.token) as client:
                return await work(client)

        return asyncio.run(run())

    def asked(self, method: str, path: str, *, body: Any = None) -> Any:
        """Send one request.

        Args:
            method: Its method.
            path: Its path.
            body: Its body; None for none.

        Returns:
            The answer's body; None when it has none.
        """

        async def send(client: APIClient) -> Any:
            answer = await client.request(method, path, json=body)
            return answer.json() if answer.content else None

        return self.call(send)

    def listed(self, path: str, *, limit: int, **query: Any) -> list[dict[str, Any]]:
        """Read a listing, page by page.

        Args:
            path: Where it is.
            limit: How many items at most.
            **query: Filters; those that are None are left out.
        """
        wanted = {name: value for name, value in query.items() if value is not None}

        async def read(client: APIClient) -> list[dict[str, Any]]:
            found: list[dict[str, Any]] = []
            cursor: str | None = None
            while len(found) < limit:
                params = {**wanted, "limit": min(limit - len(found), _PAGE)} | (
                    {} if cursor is None else {"cursor": cursor}
                )
                page = (await client.get(path, params=params)).json()
                found += page["items"]
                cursor = page["next_cursor"]
                if cursor is None:
                    break
            return found

        return self.call(read)


def identity_options(command: F) -> F:
    """Give a command the options that say which governance-service is meant; it gets them as `url` and `token`."""
    url = click.option(
        "--url",
        envvar="MAESTRO_GOVERNANCE_URL",
        show_envvar=True,
        help="Another governance-service than the local one.",
    )
    token = click.option(
        "--token", envvar="MAESTRO_TOKEN", show_envvar=True, help="Bearer token, in place of that of `maestro login`."
    )
    return url(token(command))
