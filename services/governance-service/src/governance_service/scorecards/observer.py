"""Looking at services from outside."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final, Self
from urllib.parse import quote
from uuid import uuid4

import httpx2
from pydantic import SecretStr

from governance_service.clock import Clock
from governance_service.scorecards.domain import Answer, Facts, RegistryUnreachableError, read_metrics
from maestro_core_api import APIClient, APIException, issue_token

_REGISTRY: Final = "service://central-registry"
_MOST_BYTES: Final = 8 * 1024 * 1024
_LIFETIME: Final = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Registered:
    """A service that the registry knows."""

    name: str
    instances: tuple[Mapping[str, Any], ...]


class Observer:
    """Finds out about services.

    Services get to see the token that they are asked with, and whoever may register an instance can read it there. So it says
    `viewer`, and `admin`, for `/ops`, only where the operator of the platform has allowed that.

    Args:
        registry: Calls the registry.
        http: Calls services at the addresses that they registered; it follows no redirects.
        secret: Signs the tokens; None asks without.
        reads_ops: Whether `/ops` is asked as an admin.
        subject: Who asks.
        clock: Gives the present.
    """

    def __init__(
        self,
        registry: APIClient,
        http: httpx2.AsyncClient,
        *,
        secret: SecretStr | None,
        reads_ops: bool,
        subject: str,
        clock: Clock,
    ) -> None:
        self._registry = registry
        self._http = http
        self._secret = secret
        self._reads_ops = reads_ops
        self._subject = subject
        self._clock = clock

    async def registered(self) -> Sequence[Registered]:
        """Return the services that are registered, by name.

        Raises:
            RegistryUnreachableError: The registry cannot be asked.
        """
        try:
            found = (await self._registry.get(f"{_REGISTRY}/services")).json()["services"]
        except APIException as error:
            raise RegistryUnreachableError(error.error_code) from error
        return [Registered(service["name"], tuple(service["instances"])) for service in found]

    async def look(self, service: Registered) -> Facts:
        """Look at a service.

        Args:
            service: Which, with its live instances.

        Returns:
            What was seen.
        """
        versions = tuple(sorted({str(instance.get("version", "")) for instance in service.instances}))
        facts = Facts(
            service=service.name,
            seen_at=self._clock(),
            instances=len(service.instances),
            versions=versions,
            catalog=await self._catalog(service.name),
        )
        if not service.instances:
            return replace(facts, unreachable="no instance is registered")
        return await self._ask(facts, str(service.instances[0].get("url", "")))

    async def _ask(self, facts: Facts, url: str) -> Facts:
        viewer = self._headers("viewer")
        ops = self._headers("admin" if self._reads_ops else "viewer")
        nowhere = f"/there-is-no-{uuid4().hex}"
        asked = {
            "live": self._get(url, "/health/live", {}),
            "ready": self._get(url, "/health/ready", {}),
            "missing": self._get(url, nowhere, viewer),
            "anonymous": self._get(url, nowhere, {}),
            "openapi": self._get(url, "/openapi.json", viewer),
            "ops_info": self._get(url, "/ops/info", ops),
            "ops_config": self._get(url, "/ops/config", ops),
            "ops_loggers": self._get(url, "/ops/loggers", ops),
        }
        answers = dict(zip(asked, await asyncio.gather(*asked.values()), strict=True))
        exposition = await self._read(url, "/metrics", {})
        seen = {name: answer.answer for name, answer in answers.items()}
        problem = next((answer.problem for answer in answers.values() if answer.problem is not None), None)
        return replace(
            facts,
            unreachable=problem if all(answer is None for answer in seen.values()) else None,
            metrics=read_metrics(exposition.text) if exposition.status == 200 else None,
            **seen,  # type: ignore[arg-type]  # the names are those of the fields
        )

    async def _catalog(self, service: str) -> Mapping[str, Any] | None:
        try:
            found = (await self._registry.get(f"{_REGISTRY}/catalog/{quote(service, safe='')}")).json()
        except APIException:
            return None
        return found if isinstance(found, Mapping) else None

    def _headers(self, role: str) -> dict[str, str]:
        if self._secret is None:
            return {}
        token = issue_token(self._secret.get_secret_value(), subject=self._subject, roles=(role,), expires_in=_LIFETIME)
        return {"Authorization": f"Bearer {token}"}

    async def _get(self, url: str, path: str, headers: Mapping[str, str]) -> "_Seen":
        read = await self._read(url, path, headers)
        if read.problem is not None:
            return _Seen(None, read.problem)
        return _Seen(Answer(read.status, read.content_type, read.headers, _json(read.text)), None)

    async def _read(self, url: str, path: str, headers: Mapping[str, str]) -> "_Read":
        try:
            async with self._http.stream("GET", url.rstrip("/") + path, headers=dict(headers)) as response:
                received = bytearray()
                async for part in response.aiter_bytes():
                    received += part
                    if len(received) > _MOST_BYTES:
                        return _Read.failed(f"{path} answers with more than {_MOST_BYTES} bytes")
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            return _Read.failed(f"{url} cannot be reached: {type(error).__name__}")
        found = {name.lower(): value for name, value in response.headers.items()}
        return _Read(
            response.status_code, found.get("content-type", ""), found, received.decode(errors="replace"), None
        )


@dataclass(frozen=True, slots=True)
class _Seen:
    answer: Answer | None
    problem: str | None


@dataclass(frozen=True, slots=True)
class _Read:
    status: int
    content_type: str
    headers: Mapping[str, str]
    text: str
    problem: str | None

    @classmethod
    def failed(cls, problem: str) -> Self:
        return cls(0, "", {}, "", problem)


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
