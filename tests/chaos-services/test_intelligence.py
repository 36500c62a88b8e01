"""intelligence-service is killed again and again while it is taught and asked; the model's server goes away and comes back."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path
from typing import Any

import pytest

LIB = str(Path(__file__).parents[2] / "services/intelligence-service/tests/lib")
if LIB not in sys.path:
    sys.path.insert(0, LIB)

from killed_service import started  # noqa: E402 - found by the path above
from whole_service import client_of  # noqa: E402 - as above

from intelligence_service.testing import ModelServer, Orchestrator  # noqa: E402 - as above
from maestro_core_api import APIException, RemoteAPIException  # noqa: E402 - as above

pytestmark = [pytest.mark.slow, pytest.mark.timeout(60)]
KILLS = 2
MOOD: dict[str, Any] = {
    "name": "mood",
    "system_prompt": "You tell the mood of a text.",
    "output_schema": {"type": "object", "properties": {"mood": {"enum": ["happy", "sad"]}}, "required": ["mood"]},
}


@pytest.fixture
def orchestrator() -> Orchestrator:
    return Orchestrator("a secret for tests, of forty characters!", {"mood": MOOD})


async def test_kills_lose_no_lesson_and_no_booked_token(orchestrator: Orchestrator, tmp_path: Path) -> None:
    """After every SIGKILL the service is back with everything that it has acknowledged; answers go on from what was learnt."""
    model = ModelServer(always='{"mood": "happy"}', tokens=(30, 4))
    acknowledged: dict[str, str] = {}
    answered, recoveries = 0, []
    async with orchestrator.running() as registry, model.running() as url:
        for kill in range(KILLS + 1):
            began = time.monotonic()
            async with (
                started(tmp_path, orchestrator, registry, url) as service,
                client_of(service.url, orchestrator, tenant="acme") as client,
            ):
                if acknowledged:
                    text = next(reversed(acknowledged.values()))
                    recalled = (await client.post("/analyze", json={"persona": "mood", "input": text})).json()
                    assert recalled["method"] == "learned"
                    recoveries.append(time.monotonic() - began)
                    pages = client.pages("/learned/mood/examples", items="examples")
                    kept = {each["id"]: each["question"] async for each in pages}
                    assert acknowledged.items() <= kept.items()
                    month = (await client.get("/usage/month")).json()["usage"][0]
                    assert month["input_tokens"] >= answered * 30
                if kill == KILLS:
                    break
                loads = [asyncio.create_task(load(client, acknowledged, f"{kill}.{n}")) for n in range(4)]
                goal = len(acknowledged) + 12
                async with asyncio.timeout(30):
                    while len(acknowledged) < goal:
                        await asyncio.sleep(0.01)
                assert not any(task.done() for task in loads), "nothing fails before the kill"
                service.kill()
                answered += sum(await asyncio.gather(*loads))
    sys.stdout.write(f"{KILLS} kills, {len(acknowledged)} lessons kept; back after {max(recoveries):.1f} s at most\n")


async def test_a_model_that_goes_away_and_comes_back_is_used_again(orchestrator: Orchestrator, tmp_path: Path) -> None:
    """While it is away the other endpoint answers; when both are, what was learnt still does, and the rest is told plainly."""
    first, second = ModelServer(always='{"mood": "happy"}'), ModelServer(always='{"mood": "sad"}')
    async with orchestrator.running() as registry, second.running() as two, first.running() as one:
        endpoints = f'[{{"name": "one", "url": "{one}", "model": "m"}}, {{"name": "two", "url": "{two}", "model": "m", "tier": 1}}]'
        async with (
            started(tmp_path, orchestrator, registry, None, INTELLIGENCE_SERVICE_MODEL_ENDPOINTS=endpoints) as service,
            client_of(service.url, orchestrator) as client,
        ):
            assert await asked(client, "a") == {"mood": "happy"}
            first._answers += [(503, {"error": {"message": "away"}})] * 20
            began = time.monotonic()
            assert await asked(client, "b") == {"mood": "sad"}
            sys.stdout.write(f"the other endpoint answered after {time.monotonic() - began:.2f} s\n")
            second._answers += [(503, {"error": {"message": "away"}})] * 20
            lesson = {"persona": "mood", "input": "known", "result": {"mood": "sad"}}
            await client.post("/feedback", json=lesson)
            assert await asked(client, "known") == {"mood": "sad"}
            with pytest.raises(RemoteAPIException) as caught:
                await asked(client, "c")
            assert (caught.value.status_code, caught.value.error_code) == (503, "MODEL_UNAVAILABLE")
            first._answers.clear()
            second._answers.clear()
            # An endpoint rests for a while after it has failed; the other one answers meanwhile.
            async with asyncio.timeout(40):
                number = 0
                while await asked(client, f"d{number} ") != {"mood": "happy"}:
                    number += 1
                    await asyncio.sleep(0.1)


async def load(client: Any, acknowledged: dict[str, str], name: str) -> int:
    answered = number = 0
    try:
        while True:
            number += 1
            text = f"lesson {number} of {name}"
            lesson = {"persona": "mood", "input": text, "result": {"mood": "sad"}}
            acknowledged[(await client.post("/feedback", json=lesson)).json()["id"]] = text
            answer = await client.post("/analyze", json={"persona": "mood", "input": {"asked": [name, number]}})
            answered += answer.json()["method"] == "model" and not answer.json()["cached"]
    except APIException:
        return answered


async def asked(client: Any, text: str) -> Any:
    """Ask; words that were not taught are made too long to be compared, so that only a model can answer."""
    words = text if text == "known" else text * 1_100
    return (await client.post("/analyze", json={"persona": "mood", "input": words})).json()["result"]
