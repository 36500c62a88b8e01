"""What is answered when the database or a text in the request cannot be used."""

import json
from pathlib import Path
from typing import Any

import pytest
from whole_service import analyze, refusal, service

from intelligence_service.budgets import SqlUsageStore
from intelligence_service.learning import SqlExampleStore
from intelligence_service.testing import ModelServer, Orchestrator
from maestro_core_api.testing import recorded_telemetry
from maestro_core_db import DatabaseBusyError, DatabaseFullError, DatabaseUnavailableError
from maestro_core_db.testing import TemporaryDatabase

HALF = "half \ud83d of a pair"


async def test_a_database_that_is_away_is_503(
    orchestrator: Orchestrator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every operation that needs it says so, and when to come again; where the database is stands in the log only."""

    async def away(*_: object, **__: object) -> None:
        raise DatabaseUnavailableError("no connection to db.internal:5432")

    server = ModelServer(always='{"mood": "happy"}')
    body = {"persona": "mood", "input": "it rains"}
    lesson = {**body, "result": {"mood": "sad"}}
    async with server.running() as url, service(orchestrator, tmp_path, model_endpoint=url, role="admin") as client:
        for store, name in (
            (SqlExampleStore, "position"), (SqlExampleStore, "teach"), (SqlExampleStore, "personas"),
            (SqlExampleStore, "page"), (SqlExampleStore, "forget"), (SqlUsageStore, "usage"),
        ):  # fmt: skip
            monkeypatch.setattr(store, name, away)
        with recorded_telemetry() as telemetry:
            for call in (
                client.post("/analyze", json=body),
                anext(client.stream_events("/analyze/stream", method="POST", json=body)),
                client.post("/feedback", json=lesson),
                client.get("/learned"),
                client.get("/learned/mood"),
                client.get("/learned/mood/examples"),
                client.delete("/learned/mood"),
                client.get("/usage"),
            ):
                answer = await refusal(call)
                assert (answer.status_code, answer.error_code) == (503, "STORAGE_UNAVAILABLE")
                assert "db.internal" not in str(answer.problem)
                assert int(answer.headers["Retry-After"]) > 0
            telemetry.assert_logged("The database cannot be used", reason="no connection to db.internal:5432")


async def test_a_full_database_is_507(
    orchestrator: Orchestrator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lesson is refused with what to do."""

    async def full(*_: object, **__: object) -> None:
        raise DatabaseFullError("database or disk is full")

    async with service(orchestrator, tmp_path, model_endpoint=None) as client:
        monkeypatch.setattr(SqlExampleStore, "teach", full)
        lesson = {"persona": "mood", "input": "it rains", "result": {"mood": "sad"}}
        answer = await refusal(client.post("/feedback", json=lesson))
    assert (answer.status_code, answer.error_code) == (507, "STORAGE_FULL")
    assert "make room" in str(answer.detail)


async def test_trouble_in_the_middle_of_a_stream_is_its_last_event(
    orchestrator: Orchestrator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the answer has begun, the error comes as an event."""

    async def busy(*_: object, **__: object) -> None:
        raise DatabaseBusyError("locked")

    server = ModelServer(always='{"mood": "happy"}')
    body = {"persona": "mood", "input": "it rains"}
    async with server.running() as url, service(orchestrator, tmp_path, model_endpoint=url) as client:
        monkeypatch.setattr(SqlUsageStore, "settle", busy)
        events = [event async for event in client.stream_events("/analyze/stream", method="POST", json=body)]
    assert events[0].event == "piece"
    assert (events[-1].event, events[-1].json()["status"]) == ("error", 503)


@pytest.mark.parametrize(
    "body",
    [
        {"input": HALF},
        {"input": {"text": [HALF]}},
        {"input": {HALF: 1}},
        {"input": "x", "context": {"a": HALF}},
        {"input": "x", "result": {"mood": HALF}},
    ],
)
async def test_half_of_a_surrogate_pair_is_refused(
    orchestrator: Orchestrator, tmp_path: Path, body: dict[str, Any]
) -> None:
    """JSON can spell it, but it is no text: no answer could hold it, and no database keeps it."""
    async with service(orchestrator, tmp_path, model_endpoint=None, role="admin") as client:
        paths = ["/feedback"] if "result" in body else ["/feedback", "/analyze"]
        for path in paths:
            asked = {"persona": "mood", "result": {"mood": "sad"}, **body}
            if path == "/analyze":
                del asked["result"]
            # The client writes UTF-8, which such a text has none of; others escape it.
            headers = {"Content-Type": "application/json"}
            answer = await refusal(client.post(path, content=json.dumps(asked).encode(), headers=headers))
            assert answer.status_code == 422
            assert "half of a surrogate pair" in answer.errors[0]["message"]
        label = await refusal(client.delete("/learned/mood", params={"result": '"\\ud83d"'}))
        assert (label.status_code, label.error_code) == (422, "INPUT_INVALID")


async def test_a_character_that_postgresql_does_not_keep_is_refused(
    orchestrator: Orchestrator, tmp_path: Path, postgres_database: TemporaryDatabase
) -> None:
    """U+0000 in a name or a filter is the request's fault, not the service's."""
    async with service(
        orchestrator, tmp_path, model_endpoint=None, role="admin", database_url=postgres_database.url
    ) as client:
        for path in ("/learned/mo%00d", "/learned/mood/examples/%00", "/learned/mood/examples?text=%00"):
            answer = await refusal(client.get(path))
            assert (answer.status_code, answer.error_code) == (422, "UNSTORABLE_TEXT")


async def test_a_model_that_says_half_of_a_pair_is_asked_again(orchestrator: Orchestrator, tmp_path: Path) -> None:
    """What cannot be written is a fault of the answer."""
    orchestrator.personas["free"] = {
        "name": "free", "version": "1.0.0", "system_prompt": "Say something.",
        "output_schema": {"type": "object", "properties": {"said": {"type": "string"}}},
    }  # fmt: skip
    server = ModelServer()
    server.will_say('{"said": "\\ud83d"}')
    server.will_say('{"said": "hello"}')
    async with server.running() as url, service(orchestrator, tmp_path, model_endpoint=url) as client:
        assert (await analyze(client, "free", "speak"))["result"] == {"said": "hello"}
    assert "half of a surrogate pair" in server.calls[1].body["messages"][-1]["content"]  # type: ignore[index]
