"""The governance service's HTTP interface, and how it is found and opened."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final
from urllib.parse import quote

from maestro_cli.local import GOVERNANCE, Home
from maestro_core_api import APIClient

from ._services import open_service, service_url

JSON = Any
"""Any JSON value."""
_PAGE: Final = 100


class GovernanceClient:
    """Policies, approvals and scorecards over HTTP.

    Args:
        client: An open client whose base URL is the governance service's.
    """

    def __init__(self, client: APIClient) -> None:
        self._client = client

    async def get(self, *parts: str, **params: JSON) -> JSON:
        """Read something.

        Args:
            *parts: The parts of its path.
            **params: Query parameters; those that are None are left out.

        Returns:
            The answer.
        """
        return (await self._client.get(_path(parts), params=_given(params))).json()

    async def post(self, *parts: str, body: JSON = None) -> JSON:
        """Do something.

        Args:
            *parts: The parts of its path.
            body: What to send; None for nothing.

        Returns:
            The answer.
        """
        return (await self._client.post(_path(parts), json=body)).json()

    async def delete(self, *parts: str) -> JSON:
        """Take something back.

        Args:
            *parts: The parts of its path.

        Returns:
            The answer.
        """
        return (await self._client.delete(_path(parts))).json()

    async def apply_policy(
        self, name: str, source: Mapping[str, JSON], *, dry_run: bool, seen: int | None
    ) -> Mapping[str, JSON]:
        """Put a version of a policy in force, or try it out.

        Args:
            name: Its name.
            source: `{text, schema, tests, description}`.
            dry_run: Whether it is only tried out.
            seen: The version that has to be in force; None for whichever is.

        Returns:
            What came of it.
        """
        headers = None if seen is None else {"If-Match": f'"{seen}"'}
        params = {"dry_run": "true"} if dry_run else None
        response = await self._client.put(_path(("policies", name)), json=dict(source), params=params, headers=headers)
        applied: Mapping[str, JSON] = response.json()
        return applied

    async def approvals(self, *, limit: int, **filters: JSON) -> list[Mapping[str, JSON]]:
        """List approvals.

        Args:
            limit: How many at most.
            **filters: Which.

        Returns:
            The latest first.
        """
        params = _given({**filters, "limit": min(limit, _PAGE)})
        found: list[Mapping[str, JSON]] = []
        async for one in self._client.pages("/approvals", params=params):
            found.append(one)
            if len(found) == limit:
                break
        return found


@asynccontextmanager
async def open_governance(home: Home, url: str | None, token: str | None, user: str) -> AsyncIterator[GovernanceClient]:
    """Open the governance service of an environment.

    Args:
        home: The environment's folder.
        url: Another service's base URL; None for the environment's own.
        token: Bearer token; None takes that of whoever has signed in there, or issues one with the environment's key.
        user: For whom tokens are issued.

    Yields:
        The client.

    Raises:
        NotRunningError: The environment does not run, or has no governance service.
        MaestroCliError: There is no key to issue tokens with.
        ServiceAnswerError: A call in the block failed.
    """
    from maestro_cli.governance import signed_in_token  # noqa: PLC0415 - that package stands on this one

    base_url = url or service_url(home, GOVERNANCE)
    bearer = token or await signed_in_token(home, base_url)
    async with open_service(home, GOVERNANCE, base_url, bearer, user=user) as client:
        yield GovernanceClient(client)


def _path(parts: tuple[str, ...]) -> str:
    return "/" + "/".join(quote(part, safe="") for part in parts)


def _given(params: Mapping[str, JSON]) -> dict[str, JSON]:
    return {name: value for name, value in params.items() if value is not None}
