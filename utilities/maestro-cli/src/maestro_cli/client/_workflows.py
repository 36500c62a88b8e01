"""Calls about workflows."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from maestro_core_api import APIClient

JSON = Any
"""Any JSON value."""


class WorkflowCalls:
    """What can be asked about workflows."""

    _client: APIClient

    async def put_workflow(self, namespace: str, name: str, version: str, document: str, content_type: str) -> JSON:
        """Register a workflow document; the same one again changes nothing.

        Args:
            namespace: Its namespace.
            name: Its name.
            version: Its version.
            document: Its text.
            content_type: `application/yaml` or `application/json`.

        Returns:
            The definition.
        """
        path = f"/workflows/{quote(namespace, safe='')}/{quote(name, safe='')}/{quote(version, safe='')}"
        headers = {"content-type": content_type}
        return (await self._client.put(path, content=document.encode(), headers=headers)).json()

    async def workflows(self) -> list[Mapping[str, JSON]]:
        """List the registered workflows.

        Returns:
            Every version, by name, the latest first.
        """
        found: list[Mapping[str, JSON]] = (await self._client.get("/workflows")).json()["workflows"]
        return found

    async def hold(self, reference: str, reason: str | None) -> None:
        """Start nothing more of a workflow's runs.

        Args:
            reference: `namespace/name`, or `namespace/name:version` for one version.
            reason: Why; None for no reason.
        """
        path, params = _place(reference)
        await self._client.post(f"{path}/pause", params=params, json={"reason": reason or ""})

    async def release(self, reference: str) -> None:
        """Let a workflow's runs go on.

        Args:
            reference: As it was given to `hold`.
        """
        path, params = _place(reference)
        await self._client.post(f"{path}/resume", params=params)


def _place(reference: str) -> tuple[str, dict[str, str]]:
    name, _, version = reference.partition(":")
    return f"/workflows/{quote(name)}", {"version": version} if version else {}
