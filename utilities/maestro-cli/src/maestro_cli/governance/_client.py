"""The calls to governance-service."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final
from urllib.parse import quote

from maestro_core_api import APIClient

JSON = Any
"""Any JSON value."""
_PAGE: Final = 200


class GovernanceClient:
    """Governance-service over HTTP: policies, approvals, scorecards, users, keys, the audit trail.

    Args:
        client: An open client whose base URL is governance-service's.
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
        return await self._asked("GET", parts, params=params)

    async def post(self, *parts: str, body: JSON = None, **params: JSON) -> JSON:
        """Do something.

        Args:
            *parts: The parts of its path.
            body: What to send; None for nothing.
            **params: As for `get`.

        Returns:
            The answer; None when it has no body.
        """
        return await self._asked("POST", parts, body=body, params=params)

    async def put(self, *parts: str, body: JSON = None) -> JSON:
        """Put something in the place of something.

        Args:
            *parts: The parts of its path.
            body: What to send; None for nothing.

        Returns:
            The answer; None when it has no body.
        """
        return await self._asked("PUT", parts, body=body)

    async def delete(self, *parts: str, **params: JSON) -> JSON:
        """Take something back.

        Args:
            *parts: The parts of its path.
            **params: As for `get`.

        Returns:
            The answer; None when it has no body.
        """
        return await self._asked("DELETE", parts, params=params)

    async def listed(self, *parts: str, limit: int, **filters: JSON) -> list[dict[str, JSON]]:
        """Read a listing, page by page.

        Args:
            *parts: The parts of its path.
            limit: How many items at most.
            **filters: Which; those that are None are left out.

        Returns:
            The items, in the service's order.
        """
        params = _given({**filters, "limit": min(limit, _PAGE)})
        found: list[dict[str, JSON]] = []
        async for one in self._client.pages(_path(parts), params=params):
            found.append(one)
            if len(found) == limit:
                break
        return found

    @asynccontextmanager
    async def read(self, *parts: str) -> AsyncIterator[AsyncIterator[bytes]]:
        """Read something large, a portion at a time.

        Args:
            *parts: The parts of its path.

        Yields:
            The portions.
        """
        async with self._client.stream("GET", _path(parts)) as answer:
            yield answer.aiter_bytes()

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

    async def _asked(
        self, method: str, parts: tuple[str, ...], *, body: JSON = None, params: Mapping[str, JSON] | None = None
    ) -> JSON:
        answer = await self._client.request(method, _path(parts), json=body, params=_given(params or {}))
        return answer.json() if answer.content else None


def _path(parts: tuple[str, ...]) -> str:
    return "/" + "/".join(quote(part, safe="") for part in parts)


def _given(params: Mapping[str, JSON]) -> dict[str, JSON]:
    return {name: value for name, value in params.items() if value is not None}
