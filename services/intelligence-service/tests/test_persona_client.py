from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from pydantic import SecretStr

from intelligence_service.config import IntelligenceServiceConfig
from intelligence_service.domain.errors import PersonaInvalidError, PersonaNotFoundError, PersonaSourceError
from intelligence_service.persona_client import OrchestratorPersonas
from intelligence_service.testing import FakeClock, Orchestrator
from maestro_core_api import APIClient


@asynccontextmanager
async def personas_through(
    registry_url: str | None, secret: str, clock: FakeClock
) -> AsyncIterator[OrchestratorPersonas]:
    config = IntelligenceServiceConfig(jwt_secret=SecretStr(secret), registry_url=registry_url)
    async with APIClient.for_service(config, retries=0) as client:
        yield OrchestratorPersonas(client, ttl=timedelta(seconds=30), clock=clock)


async def test_a_persona_is_found_through_the_registry_and_kept(
    orchestrator: Orchestrator, secret: str, clock: FakeClock
) -> None:
    """The orchestrator is asked once in the time, with the service's own token, and again after it."""
    async with orchestrator.running() as url, personas_through(url, secret, clock) as personas:
        first = await personas.get("mood")
        clock.now += 29
        assert await personas.get("mood") is first
        clock.now += 1
        assert await personas.get("mood") == first
    assert first.version == "2.1.0"
    assert orchestrator.asked == ["mood", "mood"]


async def test_an_unknown_persona_names_the_ones_there_are(
    orchestrator: Orchestrator, secret: str, clock: FakeClock
) -> None:
    """The orchestrator's words and its list are passed on."""
    async with orchestrator.running() as url, personas_through(url, secret, clock) as personas:
        with pytest.raises(PersonaNotFoundError, match="there are: license-analyst, mood") as caught:
            await personas.get("nobody")
    assert caught.value.available == ("license-analyst", "mood")


async def test_an_older_persona_serves_while_the_orchestrator_is_away(
    orchestrator: Orchestrator, secret: str, clock: FakeClock
) -> None:
    """What was said last is used, however old; a persona never seen cannot be had."""
    async with orchestrator.running() as url, personas_through(url, secret, clock) as personas:
        known = await personas.get("mood")
        orchestrator.failing = True
        clock.now += 3600
        assert await personas.get("mood") is known
        with pytest.raises(PersonaSourceError, match="answered 503"):
            await personas.get("license-analyst")


async def test_a_persona_that_was_removed_is_gone(orchestrator: Orchestrator, secret: str, clock: FakeClock) -> None:
    """Removed is not away: the remembered one is not used any more."""
    async with orchestrator.running() as url, personas_through(url, secret, clock) as personas:
        await personas.get("mood")
        del orchestrator.personas["mood"]
        clock.now += 30
        with pytest.raises(PersonaNotFoundError):
            await personas.get("mood")


async def test_a_document_that_is_no_persona_is_told_with_its_faults(
    orchestrator: Orchestrator, secret: str, clock: FakeClock
) -> None:
    """Missing members are named."""
    orchestrator.personas["broken"] = {"name": "broken", "output_schema": "none"}
    async with orchestrator.running() as url, personas_through(url, secret, clock) as personas:
        with pytest.raises(PersonaInvalidError) as caught:
            await personas.get("broken")
    assert {fault.path for fault in caught.value.faults} == {"system_prompt", "output_schema"}


@pytest.mark.parametrize("registry_url", [None, "http://127.0.0.1:9"])
async def test_without_a_registry_the_personas_cannot_be_had(
    registry_url: str | None, secret: str, clock: FakeClock
) -> None:
    """A missing or unreachable registry is told as such."""
    async with personas_through(registry_url, secret, clock) as personas:
        with pytest.raises(PersonaSourceError, match=r"registry|127\.0\.0\.1:9"):
            await personas.get("mood")
