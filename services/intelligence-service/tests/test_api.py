from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import JsonValue, SecretStr

from intelligence_service.bootstrap import create_app
from intelligence_service.config import IntelligenceServiceConfig
from intelligence_service.testing import ModelServer, Orchestrator
from maestro_core_api import APIClient, RemoteAPIException, issue_token
from maestro_core_api.testing import running

NOBODY = "http://127.0.0.1:9/v1"
_PATIENCE = timedelta(minutes=4)
"""Reading all licence texts for the first one may take long on a busy machine."""


@asynccontextmanager
async def service(
    orchestrator: Orchestrator, data_dir: Path, *, model_endpoint: str | None, role: str = "operator"
) -> AsyncIterator[APIClient]:
    """The whole service on a real socket, and a client of it."""
    async with orchestrator.running() as url:
        config = IntelligenceServiceConfig(
            jwt_secret=SecretStr(orchestrator.secret),
            registry_url=url,
            data_dir=data_dir,
            model_endpoint=model_endpoint,
            model_name="tiny",
        )
        token = issue_token(SecretStr(orchestrator.secret), subject="tester", roles=[role])
        async with (
            running(create_app(config)) as base_url,
            APIClient(base_url, token=token, retries=0, timeout=_PATIENCE) as client,
        ):
            yield client


async def analyze(client: APIClient, persona: str, analyzed: JsonValue, **more: JsonValue) -> dict[str, JsonValue]:
    answer = await client.post("/analyze", json={"persona": persona, "input": analyzed, **more})
    document: dict[str, JsonValue] = answer.json()
    return document


async def refused(client: APIClient, persona: str, analyzed: JsonValue, **more: JsonValue) -> RemoteAPIException:
    with pytest.raises(RemoteAPIException) as caught:
        await analyze(client, persona, analyzed, **more)
    return caught.value


async def test_a_licence_is_recognised_over_http(orchestrator: Orchestrator, tmp_path: Path, own_license: str) -> None:
    """The answer has every member of the contract, the model being away or not; the second one is remembered."""
    async with service(orchestrator, tmp_path, model_endpoint=NOBODY) as client:
        first = await analyze(client, "license-analyst", {"texts": [{"name": "LICENSE", "text": own_license}]})
        second = await analyze(client, "license-analyst", {"texts": [{"name": "LICENSE", "text": own_license}]})
    assert set(first) == {
        "persona",
        "persona_version",
        "result",
        "confidence",
        "evidence",
        "method",
        "model",
        "cached",
        "duration_ms",
    }
    assert isinstance(first["result"], dict)
    assert first["result"]["expression"] == "Apache-2.0"
    assert (first["method"], first["model"], first["cached"]) == ("recognizer", None, False)
    assert isinstance(first["confidence"], float)
    assert first["confidence"] > 0.99
    assert (second["cached"], second["result"]) == (True, first["result"])


async def test_a_persona_without_recogniser_asks_the_endpoint(
    orchestrator: Orchestrator, model_server: ModelServer, tmp_path: Path
) -> None:
    """Any OpenAI-compatible endpoint answers by the persona's schema, with context shown to it."""
    model_server.will_say('{"mood": "happy"}')
    async with model_server.running() as url, service(orchestrator, tmp_path, model_endpoint=url) as client:
        answer = await analyze(client, "mood", "I won", context={"place": "Oslo"})
    assert (answer["result"], answer["method"], answer["model"]) == ({"mood": "happy"}, "model", "served-1")
    assert "Oslo" in str(model_server.calls[0].body)


async def test_without_an_endpoint_the_bundled_model_answers(orchestrator: Orchestrator, tmp_path: Path) -> None:
    """The service's own start brings up the real local model; its messages are in the data folder."""
    async with service(orchestrator, tmp_path, model_endpoint=None) as client:
        answer = await analyze(client, "mood", "I won the lottery")
    assert answer["result"] in ({"mood": "happy"}, {"mood": "sad"})
    assert str(answer["model"]).startswith("SmolLM2")
    assert (tmp_path / "intelligence-service" / "local-model.log").is_file()


async def test_an_unreachable_model_is_named_with_what_to_do(orchestrator: Orchestrator, tmp_path: Path) -> None:
    """503 with the endpoint and the hint; after three failures also how long to wait."""
    async with service(orchestrator, tmp_path, model_endpoint=NOBODY) as client:
        for _ in range(3):
            error = await refused(client, "mood", "text")
        assert (error.status_code, error.error_code) == (503, "MODEL_UNAVAILABLE")
        assert error.problem is not None
        assert error.problem["endpoint"] == NOBODY
        assert "model_endpoint" in str(error.detail)
        error = await refused(client, "mood", "text")
        assert int(error.headers["Retry-After"]) >= 1


async def test_an_unknown_persona_names_the_ones_there_are(orchestrator: Orchestrator, tmp_path: Path) -> None:
    """404 with the names."""
    async with service(orchestrator, tmp_path, model_endpoint=NOBODY) as client:
        error = await refused(client, "nobody", "text")
    assert (error.status_code, error.error_code) == (404, "PERSONA_NOT_FOUND")
    assert error.problem is not None
    assert error.problem["available"] == ["license-analyst", "mood"]


async def test_answers_that_do_not_obey_are_a_bad_gateway(
    orchestrator: Orchestrator, model_server: ModelServer, tmp_path: Path
) -> None:
    """502 with the model's words, after a second attempt."""
    model_server.will_say("I am only a model.")
    model_server.will_say('{"mood": "so-so"}')
    async with model_server.running() as url, service(orchestrator, tmp_path, model_endpoint=url) as client:
        error = await refused(client, "mood", "text")
    assert (error.status_code, error.error_code) == (502, "MODEL_OUTPUT_INVALID")
    assert error.problem is not None
    assert error.problem["output"] == '{"mood": "so-so"}'


async def test_a_refusal_and_a_long_question_have_their_own_codes(
    orchestrator: Orchestrator, model_server: ModelServer, tmp_path: Path
) -> None:
    """502 when the server refuses, 413 when the input does not fit."""
    model_server.will_answer(401, {"error": {"message": "Invalid API Key"}})
    model_server.will_answer(400, {"error": {"message": "9042 tokens", "type": "exceed_context_size_error"}})
    async with model_server.running() as url, service(orchestrator, tmp_path, model_endpoint=url) as client:
        errors = [await refused(client, "mood", text) for text in ("a", "b")]
    assert [(error.status_code, error.error_code) for error in errors] == [
        (502, "MODEL_REJECTED_REQUEST"),
        (413, "INPUT_TOO_LONG"),
    ]


async def test_a_persona_that_cannot_be_used_is_a_bad_gateway(orchestrator: Orchestrator, tmp_path: Path) -> None:
    """502 with the fault."""
    orchestrator.personas["odd"] = {"name": "odd", "system_prompt": "x", "output_schema": {"type": "nonsense"}}
    async with service(orchestrator, tmp_path, model_endpoint=NOBODY) as client:
        error = await refused(client, "odd", "text")
    assert (error.status_code, error.error_code) == (502, "PERSONA_INVALID")
    assert "output_schema" in str(error.detail)


async def test_the_orchestrator_being_away_is_told(orchestrator: Orchestrator, tmp_path: Path) -> None:
    """503 when a persona is needed for the first time and the orchestrator does not answer."""
    orchestrator.failing = True
    async with service(orchestrator, tmp_path, model_endpoint=NOBODY) as client:
        error = await refused(client, "mood", "text")
    assert (error.status_code, error.error_code) == (503, "PERSONA_SOURCE_UNAVAILABLE")


@pytest.mark.parametrize(
    ("analyzed", "path"), [({"files": []}, "input"), ({"texts": [{"name": "a"}]}, "input.texts.0.text")]
)
async def test_input_of_the_wrong_form_is_told_with_its_path(
    orchestrator: Orchestrator, tmp_path: Path, analyzed: JsonValue, path: str
) -> None:
    """422 with every fault's path."""
    async with service(orchestrator, tmp_path, model_endpoint=NOBODY) as client:
        error = await refused(client, "license-analyst", analyzed)
    assert (error.status_code, error.error_code) == (422, "INPUT_INVALID")
    assert [item["path"] for item in error.errors] == [path]


@pytest.mark.parametrize(
    "body", [{}, {"persona": "mood"}, {"persona": "", "input": "x"}, {"persona": "mood", "input": 7}]
)
async def test_a_request_of_the_wrong_form_is_refused(
    orchestrator: Orchestrator, tmp_path: Path, body: dict[str, JsonValue]
) -> None:
    """422 before anybody is asked."""
    async with service(orchestrator, tmp_path, model_endpoint=NOBODY) as client:
        with pytest.raises(RemoteAPIException) as caught:
            await client.post("/analyze", json=body)
    assert caught.value.status_code == 422
    assert caught.value.errors
    assert orchestrator.asked == []


async def test_reading_rights_are_not_enough(orchestrator: Orchestrator, tmp_path: Path) -> None:
    """A viewer may not spend the model's time."""
    async with service(orchestrator, tmp_path, model_endpoint=NOBODY, role="viewer") as client:
        error = await refused(client, "mood", "text")
    assert error.status_code == 403
