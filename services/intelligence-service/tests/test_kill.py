import asyncio
from pathlib import Path
from typing import Any

from killed_service import started
from whole_service import client_of

from intelligence_service.testing import ModelServer, Orchestrator
from maestro_core_api import APIException


async def test_a_killed_service_has_lost_nothing_that_it_acknowledged(
    orchestrator: Orchestrator, tmp_path: Path
) -> None:
    """SIGKILL while four callers teach and ask: every acknowledged lesson and every booked token is there afterwards."""
    model = ModelServer(always='{"mood": "happy"}', tokens=(30, 4))
    acknowledged: dict[str, str] = {}
    answered = 0

    async def teach(client: Any, caller: int) -> None:
        nonlocal answered
        number = 0
        try:
            while True:
                number += 1
                text = f"lesson {number} of {caller}"
                lesson = {"persona": "mood", "input": text, "result": {"mood": "sad"}}
                acknowledged[(await client.post("/feedback", json=lesson)).json()["id"]] = text
                await client.post("/analyze", json={"persona": "mood", "input": {"asked": [caller, number]}})
                answered += 1
        except APIException:
            return

    async with orchestrator.running() as registry, model.running() as url:
        async with (
            started(tmp_path, orchestrator, registry, url) as service,
            client_of(service.url, orchestrator, tenant="acme") as client,
            asyncio.TaskGroup() as callers,
        ):
            for caller in range(4):
                callers.create_task(teach(client, caller))
            while len(acknowledged) < 12 or answered < 4:
                await asyncio.sleep(0.01)
            service.kill()
        async with (
            started(tmp_path, orchestrator, registry, url) as again,
            client_of(again.url, orchestrator, tenant="acme") as client,
        ):
            kept = {
                each["id"]: each["question"] async for each in client.pages("/learned/mood/examples", items="examples")
            }
            usage = (await client.get("/usage/month")).json()["usage"][0]
            first = next(iter(acknowledged.values()))
            recalled = (await client.post("/analyze", json={"persona": "mood", "input": first})).json()
    assert acknowledged.items() <= kept.items()
    assert usage["calls"] >= answered
    assert usage["input_tokens"] >= answered * 30
    assert (recalled["method"], recalled["result"]) == ("learned", {"mood": "sad"})
