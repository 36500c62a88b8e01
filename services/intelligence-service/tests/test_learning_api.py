import asyncio
from pathlib import Path
from typing import Any

import pytest
from whole_service import NOBODY, analyze, refusal, service

from intelligence_service.testing import ModelServer, Orchestrator


async def teach(client: Any, text: str, mood: str) -> dict[str, Any]:
    answer = await client.post("/feedback", json={"persona": "mood", "input": text, "result": {"mood": mood}})
    assert answer.status_code == 201
    taught: dict[str, Any] = answer.json()
    return taught


async def test_feedback_is_effective_for_the_next_question(orchestrator: Orchestrator, tmp_path: Path) -> None:
    """A model's answer that was remembered gives way to what is taught; the answer says that it was learnt, and from what."""
    server = ModelServer(always='{"mood": "happy"}')
    async with server.running() as url, service(orchestrator, tmp_path, model_endpoint=url) as client:
        assert (await analyze(client, "mood", "it rains"))["result"] == {"mood": "happy"}
        taught = await teach(client, "it rains", "sad")
        answer = await analyze(client, "mood", "it rains")
        assert (answer["result"], answer["method"], answer["confidence"]) == ({"mood": "sad"}, "learned", 1.0)
        assert answer["evidence"][0]["nearest"][0]["id"] == taught["id"]
        near = await analyze(client, "mood", "it rains again")
    assert near["evidence"][0]["examples"] == [taught["id"]]
    shown = [message["content"] for message in server.calls[-1].body["messages"]]  # type: ignore[index]
    assert shown[1:] == ["it rains", '{"mood":"sad"}', "it rains again"]


async def test_what_was_taught_can_be_listed_corrected_and_forgotten(
    orchestrator: Orchestrator, tmp_path: Path
) -> None:
    """Every step over HTTP, with versions, filters, and the right answers for what is not there."""
    async with service(orchestrator, tmp_path, model_endpoint=NOBODY, role="admin") as client:
        taught = await teach(client, "it rains", "sad")
        many = await client.post(
            "/feedback/batch",
            json={"persona": "mood", "examples": [{"input": {"n": n}, "result": {"mood": "happy"}} for n in range(3)]},
        )
        assert len(many.json()["examples"]) == 3
        assert (await client.get("/learned")).json() == {"personas": [{"persona": "mood", "examples": 4}]}
        state = (await client.get("/learned/mood")).json()
        assert (state["examples"], state["labels"], state["held_out_accuracy"]) == (4, 2, None)
        labels = (await client.get("/learned/mood/labels")).json()["labels"]
        assert {"result": {"mood": "happy"}, "examples": 3} in labels
        page = (await client.get("/learned/mood/examples", params={"limit": 3})).json()
        rest = (await client.get("/learned/mood/examples", params={"cursor": page["next_cursor"]})).json()
        assert [each["question"] for each in rest["examples"]] == ["it rains"]
        path = f"/learned/mood/examples/{taught['id']}"
        seen = await client.get(path)
        assert seen.headers["etag"] == '"1"'
        changed = await client.patch(path, json={"result": {"mood": "happy"}}, headers={"If-Match": '"1"'})
        assert (changed.json()["version"], changed.json()["taught_by"]) == (2, "tester")
        stale = await refusal(client.patch(path, json={"result": {"mood": "sad"}}, headers={"If-Match": '"1"'}))
        assert (stale.status_code, stale.error_code) == (412, "EXAMPLE_CHANGED")
        wrong = await refusal(client.patch(path, json={"result": {"mood": "bored"}}))
        assert (wrong.status_code, wrong.errors[0]["path"]) == (422, "result.mood")
        assert (await client.delete(path)).status_code == 204
        assert (await refusal(client.get(path))).error_code == "EXAMPLE_NOT_FOUND"
        gone = await client.delete("/learned/mood", params={"result": '{"mood": "happy"}'})
        assert gone.json() == {"removed": 3}


@pytest.mark.parametrize("result", ["null", "", " ", "{}", "sad"])
async def test_an_answer_that_nothing_has_forgets_nothing(
    orchestrator: Orchestrator, tmp_path: Path, result: str
) -> None:
    """Not even `null`, or a filter without anything in it: only a request without a filter forgets everything."""
    async with service(orchestrator, tmp_path, model_endpoint=NOBODY, role="admin") as client:
        await teach(client, "it rains", "sad")
        call = client.delete("/learned/mood", params={"result": result})
        if result in ("null", "{}"):
            assert (await call).json() == {"removed": 0}
        else:
            assert (await refusal(call)).error_code == "INPUT_INVALID"
        assert (await client.get("/learned/mood")).json()["examples"] == 1
        assert (await client.delete("/learned/mood")).json() == {"removed": 1}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"persona": "mood", "input": "x", "result": {"mood": "bored"}}, "INPUT_INVALID"),
        ({"persona": "mood", "input": "", "result": {"mood": "sad"}}, "INPUT_INVALID"),
        ({"persona": "license-analyst", "input": "x", "result": {}}, "INPUT_INVALID"),
        ({"persona": "nobody", "input": "x", "result": {}}, "PERSONA_NOT_FOUND"),
    ],
)
async def test_what_cannot_be_learnt_is_refused(
    orchestrator: Orchestrator, tmp_path: Path, body: dict[str, Any], code: str
) -> None:
    """Answers against the schema, empty questions, personas that compare, and unknown ones."""
    async with service(orchestrator, tmp_path, model_endpoint=NOBODY) as client:
        assert (await refusal(client.post("/feedback", json=body))).error_code == code


async def test_usage_cache_models_and_personas_are_shown(orchestrator: Orchestrator, tmp_path: Path) -> None:
    """What a dashboard needs: tokens and budgets, hits and misses, endpoints and personas; never a key or a prompt."""
    server = ModelServer(always='{"mood": "happy"}', tokens=(40, 2))
    more = {"budgets": [{"window": "day", "tokens": 1_000}], "model_api_key": "k-secret"}
    async with server.running() as url, service(orchestrator, tmp_path, model_endpoint=url, **more) as client:
        for _ in range(2):
            await analyze(client, "mood", "it rains")
        usage = (await client.get("/usage")).json()
        day = next(each for each in usage["usage"] if each["window"] == "day")
        assert (day["calls"], day["input_tokens"], day["output_tokens"]) == (1, 40, 2)
        assert usage["budgets"][0]["tokens_left"] == 958
        assert len((await client.get("/usage/hour")).json()["usage"]) == 1
        cache = (await client.get("/cache")).json()
        assert (cache["exact"]["hits"], cache["semantic"]["entries"], cache["false_hits"]) == (1, 1, {})
        assert (await client.delete("/cache", params={"persona": "mood"})).json() == {"removed": 2}
        models = await client.get("/models")
        assert models.json()["endpoints"][0]["state"] == "closed"
        personas = await client.get("/personas")
        assert {each["name"]: each["learns"] for each in personas.json()["personas"]} == {
            "license-analyst": False,
            "mood": True,
        }
        assert (await client.get("/personas/mood")).json()["version"] == "2.1.0"
    assert "k-secret" not in models.text
    assert "system_prompt" not in personas.text


async def test_a_used_up_budget_and_a_rate_limit_are_429s(orchestrator: Orchestrator, tmp_path: Path) -> None:
    """The answer names the rule, the limit and the wait; what is remembered is still answered."""
    server = ModelServer(always='{"mood": "happy"}', tokens=(400, 100))
    more = {"budgets": [{"window": "month", "tokens": 1_000}], "rate_limit_per_tenant": 4}
    async with server.running() as url, service(orchestrator, tmp_path, model_endpoint=url, **more) as client:
        await analyze(client, "mood", "it rains")
        refused = await refusal(analyze(client, "mood", "the sun shines"))
        assert (refused.status_code, refused.error_code) == (429, "BUDGET_EXHAUSTED")
        assert refused.problem is not None
        assert (refused.problem["rule"], refused.problem["limit"]) == ("tokens-per-month", 1_000)
        assert int(refused.headers["Retry-After"]) > 0
        assert (await analyze(client, "mood", "it rains"))["cached"]
        await analyze(client, "mood", "it rains")
        limited = await refusal(analyze(client, "mood", "it rains"))
        assert (limited.status_code, limited.problem and limited.problem["rule"]) == (429, "per-tenant")


async def test_an_answer_is_streamed_and_ends_with_the_result(orchestrator: Orchestrator, tmp_path: Path) -> None:
    """Pieces, a second attempt where the first was no good, and the same result as without streaming."""
    server = ModelServer()
    server.will_say('{"mood": "so-so"}')
    server.will_say('{"mood": "happy"}')
    body = {"persona": "mood", "input": "it rains"}
    async with server.running() as url, service(orchestrator, tmp_path, model_endpoint=url) as client:
        events = [event async for event in client.stream_events("/analyze/stream", method="POST", json=body)]
        missing = {"persona": "nobody", "input": "x"}
        refused = await refusal(anext(client.stream_events("/analyze/stream", method="POST", json=missing)))
    kinds = [event.event for event in events]
    again = kinds.index("again")
    assert "".join(event.json()["text"] for event in events[:again]) == '{"mood": "so-so"}'
    assert events[again].json()["faults"][0]["path"] == "mood"
    assert (kinds[-1], events[-1].json()["result"]) == ("result", {"mood": "happy"})
    assert refused.status_code == 404


async def test_a_reader_that_leaves_stops_the_model(orchestrator: Orchestrator, tmp_path: Path) -> None:
    """Closing the stream closes the call of the model, and books what had come."""
    server = ModelServer(pace=asyncio.Semaphore(1))
    server.will_say('{"mood": "happy"}' + " " * 4_000)
    body = {"persona": "mood", "input": "it rains"}
    async with server.running() as url, service(orchestrator, tmp_path, model_endpoint=url) as client:
        events = client.stream_events("/analyze/stream", method="POST", json=body)
        assert (await anext(events)).event == "piece"
        await events.aclose()
        assert server.pace is not None
        while not server.left.is_set():
            server.pace.release()
            await asyncio.sleep(0.01)
        while (await client.get("/usage/day")).json()["usage"][0]["output_tokens"] == 512:
            await asyncio.sleep(0.01)
