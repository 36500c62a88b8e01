import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from pydantic import JsonValue, SecretStr

from intelligence_service.domain.breaker import Breaker
from intelligence_service.domain.errors import InputTooLongError, ModelRejectedError, ModelUnavailableError
from intelligence_service.domain.model import Message, ModelRequest
from intelligence_service.models import Endpoint, EndpointOptions, OpenAIModel, base_url_of
from intelligence_service.testing import FakeClock, ModelServer
from maestro_core_api import APIClient

REQUEST = ModelRequest((Message("system", "be brief"), Message("user", "how?")), "answer", {"type": "object"}, 0.2, 64)
NOBODY = "http://127.0.0.1:9/v1"


@asynccontextmanager
async def model_at(endpoint: Endpoint, clock: FakeClock) -> AsyncIterator[OpenAIModel]:
    async def locate() -> Endpoint:
        return endpoint

    async with APIClient(timeout=timedelta(seconds=5), retries=0) as client:
        yield OpenAIModel(
            client, locate=locate, identity=endpoint.base_url, hint="start the server", breaker=Breaker(clock)
        )


async def test_it_speaks_the_openai_interface(model_server: ModelServer, clock: FakeClock) -> None:
    """Model, messages, options, schema and key are sent as OpenAI-compatible servers expect them."""
    model_server.will_say('{"mood": "happy"}')
    async with model_server.running() as url, model_at(Endpoint(url, "tiny", SecretStr("k-1")), clock) as model:
        reply = await model.complete(REQUEST)
    assert (reply.text, reply.model, reply.truncated) == ('{"mood": "happy"}', "served-1", False)
    (call,) = model_server.calls
    assert (call.path, call.authorization) == ("chat/completions", "Bearer k-1")
    assert call.body == {
        "model": "tiny",
        "messages": [{"role": "system", "content": "be brief"}, {"role": "user", "content": "how?"}],
        "temperature": 0.2,
        "max_tokens": 64,
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "answer", "schema": {"type": "object"}, "strict": True},
        },
    }


async def test_without_a_name_the_first_listed_model_is_asked(model_server: ModelServer, clock: FakeClock) -> None:
    """The list is read once; no key is sent when none is set."""
    model_server.will_say("{}")
    model_server.will_say("{}", finish_reason="length")
    async with model_server.running() as url, model_at(Endpoint(url), clock) as model:
        await model.complete(REQUEST)
        assert (await model.complete(REQUEST)).truncated
    assert [call.path for call in model_server.calls] == ["models", "chat/completions", "chat/completions"]
    assert model_server.calls[1].body is not None
    assert model_server.calls[1].body["model"] == "first"
    assert model_server.calls[1].authorization is None


async def test_a_server_that_is_not_there_is_named_with_what_to_do(clock: FakeClock) -> None:
    """The error holds the endpoint and the hint."""
    async with model_at(Endpoint(NOBODY, "tiny"), clock) as model:
        with pytest.raises(ModelUnavailableError, match="start the server") as caught:
            await model.complete(REQUEST)
    assert caught.value.endpoint == NOBODY


async def test_a_server_that_fails_repeatedly_is_left_alone_for_a_while(clock: FakeClock) -> None:
    """After three failures the answer comes at once, with the time to wait; then it is tried again."""
    async with model_at(Endpoint(NOBODY, "tiny"), clock) as model:
        for _ in range(3):
            with pytest.raises(ModelUnavailableError):
                await model.complete(REQUEST)
        with pytest.raises(ModelUnavailableError, match="left alone") as caught:
            await model.complete(REQUEST)
        assert caught.value.retry_after == timedelta(seconds=10)
        clock.now += 10
        with pytest.raises(ModelUnavailableError) as caught:
            await model.complete(REQUEST)
        assert caught.value.retry_after is None


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_server_in_trouble_counts_as_unavailable(
    model_server: ModelServer, clock: FakeClock, status: int
) -> None:
    """Overload and server errors are trouble of the moment; the server's words are passed on."""
    model_server.will_answer(status, {"error": {"message": "loading the model"}})
    async with model_server.running() as url, model_at(Endpoint(url, "tiny"), clock) as model:
        with pytest.raises(ModelUnavailableError, match=f"answered {status}: loading the model"):
            await model.complete(REQUEST)


async def test_a_refusal_is_passed_on(model_server: ModelServer, clock: FakeClock) -> None:
    """A wrong key or an unknown model is no matter of waiting, and does not open the breaker."""
    for _ in range(4):
        model_server.will_answer(401, {"error": {"message": "Invalid API Key"}})
    async with model_server.running() as url, model_at(Endpoint(url, "tiny"), clock) as model:
        for _ in range(4):
            with pytest.raises(ModelRejectedError, match="Invalid API Key") as caught:
                await model.complete(REQUEST)
    assert caught.value.status == 401


@pytest.mark.parametrize(
    "fault", [{"type": "exceed_context_size_error"}, {"code": "context_length_exceeded"}], ids=["llama.cpp", "openai"]
)
async def test_a_question_that_is_too_long_is_told_apart(
    model_server: ModelServer, clock: FakeClock, fault: dict[str, str]
) -> None:
    """Both ways in which servers report a full context are understood."""
    model_server.will_answer(400, {"error": {"message": "9042 tokens", **fault}})
    async with model_server.running() as url, model_at(Endpoint(url, "tiny"), clock) as model:
        with pytest.raises(InputTooLongError, match="9042 tokens"):
            await model.complete(REQUEST)


@pytest.mark.parametrize("answer", [{"choices": []}, {"object": "list"}, "words"])
async def test_an_answer_that_is_no_completion_is_refused(
    model_server: ModelServer, clock: FakeClock, answer: JsonValue
) -> None:
    """A server that speaks another interface is recognised as such."""
    model_server.will_answer(200, answer)
    async with model_server.running() as url, model_at(Endpoint(url, "tiny"), clock) as model:
        with pytest.raises(ModelRejectedError, match="no chat completion"):
            await model.complete(REQUEST)


async def test_no_more_questions_at_a_time_than_allowed(clock: FakeClock) -> None:
    """Further questions wait for their turn before the model is even located."""
    at_once, most = 0, 0

    async def locate() -> Endpoint:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await asyncio.sleep(0)
        at_once -= 1
        raise ModelUnavailableError("local", "away", hint="")

    async with APIClient() as client:
        model = OpenAIModel(
            client,
            locate=locate,
            identity="m",
            hint="",
            breaker=Breaker(clock, failures=100),
            options=EndpointOptions(concurrency=2),
        )
        answers = await asyncio.gather(*(model.complete(REQUEST) for _ in range(6)), return_exceptions=True)
    assert len(answers) == 6
    assert most == 2


@pytest.mark.parametrize(
    ("configured", "base"),
    [
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000/v1"),
        ("http://127.0.0.1:8000/", "http://127.0.0.1:8000/v1"),
        ("https://host/v1/", "https://host/v1"),
        ("https://host/openai/v1/chat/completions", "https://host/openai/v1"),
    ],
)
def test_endpoints_are_read_as_people_write_them(configured: str, base: str) -> None:
    """With or without a version, with or without the whole path."""
    assert base_url_of(configured) == base
