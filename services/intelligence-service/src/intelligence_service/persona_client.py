"""Personas from the orchestrator, kept for a short time."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from pydantic import BaseModel, ValidationError

from intelligence_service.domain.errors import (
    Fault,
    PersonaInvalidError,
    PersonaNotFoundError,
    PersonaSourceError,
)
from intelligence_service.domain.personas import Persona
from maestro_core_api import APIClient, APIException, RemoteAPIException
from maestro_core_logging import get_logger

_PERSONAS = "service://maestro-orchestrator/personas"
_NOT_FOUND = 404


class _Listed(BaseModel):
    personas: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class _Kept:
    persona: Persona
    fresh_until: float


class OrchestratorPersonas:
    """Asks the orchestrator for personas. Implements `PersonaSource`.

    While the orchestrator is away, what it said last is used, however old.

    Args:
        client: An open client.
        ttl: How long a persona is used without asking again.
        clock: Monotonic seconds.
        url: Where the personas are.
    """

    def __init__(self, client: APIClient, *, ttl: timedelta, clock: Callable[[], float], url: str = _PERSONAS) -> None:
        self._client = client
        self._ttl = ttl.total_seconds()
        self._clock = clock
        self._url = url
        self._kept: dict[str, _Kept] = {}
        self._logger = get_logger(__name__)

    async def get(self, name: str) -> Persona:
        """See `PersonaSource.get`."""
        kept = self._kept.get(name)
        if kept is not None and kept.fresh_until > self._clock():
            return kept.persona
        try:
            persona = await self._fetch(name)
        except PersonaSourceError as error:
            if kept is None:
                raise
            self._logger.warning("Orchestrator is away, an older persona is used", persona=name, reason=str(error))
            return kept.persona
        except PersonaNotFoundError:
            self._kept.pop(name, None)
            raise
        self._kept[name] = _Kept(persona, self._clock() + self._ttl)
        return persona

    async def all(self) -> list[Persona]:
        """See `PersonaSource.all`. Asked anew each time: it is for screens."""
        try:
            response = await self._client.get(self._url)
            listed = _Listed.model_validate_json(response.content).personas
        except (APIException, ValidationError) as error:
            raise PersonaSourceError(f"the orchestrator's personas cannot be listed: {error}") from error
        personas = []
        for document in listed:
            try:
                personas.append(Persona.model_validate(document))
            except ValidationError as error:
                self._logger.warning(
                    "A persona cannot be used", persona=document.get("name"), faults=error.error_count()
                )
        return personas

    async def _fetch(self, name: str) -> Persona:
        try:
            response = await self._client.get(f"{self._url}/{quote(name, safe='')}")
        except RemoteAPIException as error:
            if error.status_code == _NOT_FOUND:
                raise PersonaNotFoundError(
                    name, error.detail or error.message, _available(error.problem or {})
                ) from error
            raise PersonaSourceError(f"the orchestrator answered {error.status_code}: {error}") from error
        except APIException as error:
            raise PersonaSourceError(str(error)) from error
        try:
            return Persona.model_validate_json(response.content)
        except ValidationError as error:
            faults = [Fault(".".join(str(step) for step in item["loc"]), item["msg"]) for item in error.errors()]
            raise PersonaInvalidError(name, faults) from error


def _available(problem: Mapping[str, Any]) -> list[str]:
    """Read the names of existing personas out of a problem document, when it lists them."""
    for member in ("available", "personas"):
        names = problem.get(member)
        if isinstance(names, list):
            return [str(name) for name in names]
    return []
