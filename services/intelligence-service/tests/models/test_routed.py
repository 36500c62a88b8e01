import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from intelligence_service.domain.breaker import Breaker
from intelligence_service.domain.errors import InputTooLongError, ModelRejectedError, ModelUnavailableError
from intelligence_service.domain.model import Message, ModelReply, ModelRequest
from intelligence_service.domain.tokens import Price
from intelligence_service.models import Endpoint, EndpointOptions, ModelCalls, OpenAIModel, RoutedModel
from intelligence_service.models.routing import order_of_attempts
from intelligence_service.testing import ModelServer
from maestro_core_api import APIClient
from maestro_core_api.testing import recorded_telemetry
from maestro_core_monitoring import MetricsCollector

REQUEST = ModelRequest((Message("user", "how?"),), "answer", {"type": "object"}, 0.0, 64)
NOBODY = "http://127.0.0.1:9/v1"
Made = Callable[..., OpenAIModel]


@asynccontextmanager
async def endpoints() -> AsyncIterator[Made]:
    async with APIClient(retries=0) as client:

        def make(url: str, **options: object) -> OpenAIModel:
            endpoint = Endpoint(url, "tiny")

            async def locate() -> Endpoint:
                return endpoint

            return OpenAIModel(
                client,
                locate=locate,
                identity=url,
                hint="start it",
                breaker=Breaker(time.monotonic),
                options=replace(EndpointOptions(), **options),  # type: ignore[arg-type]
            )

        yield make


def routed(*models: OpenAIModel, total: float = 30, metrics: MetricsCollector | None = None) -> RoutedModel:
    calls = ModelCalls(metrics or MetricsCollector("test"))
    return RoutedModel(models, total_timeout=timedelta(seconds=total), draw=lambda: 0.0, calls=calls)


async def collected(model: RoutedModel) -> list[str | ModelReply]:
    return [piece async for piece in model.stream(REQUEST)]


def test_tiers_come_in_order_and_weights_decide_within_one() -> None:
    """The lower tier comes whole before the next; within it the draw picks by weight; weight 0 comes last."""
    made = [
        EndpointOptions("c", tier=1),
        EndpointOptions("a", weight=3),
        EndpointOptions("b", weight=1),
        EndpointOptions("z", weight=0),
    ]
    assert [each.name for each in order_of_attempts(made, lambda: 0.0)] == ["a", "b", "z", "c"]
    assert [each.name for each in order_of_attempts(made, lambda: 0.76)] == ["b", "a", "z", "c"]
    firsts = [order_of_attempts(made, lambda at=at: at / 100)[0].name for at in range(100)]  # type: ignore[misc]
    assert (firsts.count("a"), firsts.count("b")) == (75, 25)


async def test_the_next_endpoint_answers_when_one_does_not() -> None:
    """Away, overloaded, refusing, too small: each time the next one is asked; the reply names who answered and what it cost."""
    first, second = ModelServer(), ModelServer(tokens=(100, 10))
    first.will_answer(503, {"error": {"message": "overloaded"}})
    first.will_answer(401, {"error": {"message": "bad key"}})
    first.will_answer(400, {"error": {"message": "long", "code": "context_length_exceeded"}})
    price = Price(Decimal(2), Decimal("0.5"))
    async with first.running() as one, second.running() as two, endpoints() as make:
        model = routed(make(NOBODY, name="gone"), make(one, name="one"), make(two, name="two", tier=1, price=price))
        for _ in range(3):
            second.will_say("{}")
            reply = await model.complete(REQUEST)
            assert (reply.endpoint, reply.usage.cost_micros, reply.usage.estimated) == ("two", 205, False)


async def test_when_all_fail_all_are_named() -> None:
    """One error tells of every endpoint; where they only refuse, the first refusal is told."""
    server = ModelServer()
    async with server.running() as url, endpoints() as make:
        with pytest.raises(ModelUnavailableError, match=r"no endpoint answered.*9/v1.*9/v1"):
            await routed(make(NOBODY), make(NOBODY, name="b")).complete(REQUEST)
        server.will_answer(404, {"error": {"message": "no such model"}})
        server.will_answer(400, {"error": {"message": "long", "code": "context_length_exceeded"}})
        with pytest.raises(ModelRejectedError, match="no such model"):
            await routed(make(url), make(url, name="b")).complete(REQUEST)
        server.will_answer(400, {"error": {"message": "long", "code": "context_length_exceeded"}})
        with pytest.raises(InputTooLongError):
            await routed(make(url)).complete(REQUEST)


async def test_each_attempt_and_all_together_have_a_limit() -> None:
    """An endpoint that hangs is left after its own timeout for the next one; the total ends the question."""
    import asyncio

    hanging, other = ModelServer(pace=asyncio.Semaphore(0)), ModelServer()
    hanging.will_say("{}")
    hanging.will_say("{}")
    other.will_say('{"a": 1}')
    short = timedelta(milliseconds=200)
    async with hanging.running() as one, other.running() as two, endpoints() as make:
        pieces = [piece async for piece in routed(make(one, timeout=short), make(two, name="b")).stream(REQUEST)]
        assert isinstance(pieces[-1], ModelReply)
        assert (pieces[-1].endpoint, pieces[-1].unheard) == ("b", 1)
        with pytest.raises(ModelUnavailableError, match="in total") as caught:
            await anext(routed(make(one), total=0.2).stream(REQUEST))
    assert caught.value.unheard == 1


async def test_what_nobody_waited_for_is_counted() -> None:
    """Endpoints that were asked and did not answer in time, and gateways that say so; not those that cannot be reached."""
    server = ModelServer(tokens=(7, 3))
    server.will_answer(504, {"error": {"message": "upstream timed out"}})
    server.will_answer(503, {"error": {"message": "overloaded"}})
    server.will_say("{}")
    async with server.running() as url, endpoints() as make:
        model = routed(make(NOBODY), make(url, name="b"), make(url, name="c"), make(url, name="d"))
        assert (await model.complete(REQUEST)).unheard == 1
        server.will_answer(504, {"error": {"message": "upstream timed out"}})
        server.will_answer(504, {"error": {"message": "upstream timed out"}})
        with pytest.raises(ModelUnavailableError, match="no endpoint answered") as caught:
            await routed(make(NOBODY), make(url, name="b"), make(url, name="c")).complete(REQUEST)
    assert caught.value.unheard == 2


async def test_a_stream_gives_pieces_and_then_the_whole() -> None:
    """The pieces are the answer; usage told at the end counts."""
    server = ModelServer(tokens=(7, 3))
    server.will_say('{"mood": "happy"}')
    async with server.running() as url, endpoints() as make:
        pieces = [piece async for piece in routed(make(url, name="one")).stream(REQUEST)]
    *texts, reply = pieces
    assert isinstance(reply, ModelReply)
    assert "".join(str(text) for text in texts) == reply.text == '{"mood": "happy"}'
    assert len(texts) > 2
    assert (reply.usage.input_tokens, reply.usage.output_tokens, reply.endpoint) == (7, 3, "one")


async def test_a_stream_that_broke_off_is_not_continued_by_another() -> None:
    """After the first piece a failure is told: another endpoint would give another answer."""
    server, other = ModelServer(), ModelServer()
    server.will_say("{}", finish_reason="")
    async with server.running() as url, other.running() as two, endpoints() as make:
        with pytest.raises(ModelUnavailableError, match="broke off"):
            await collected(routed(make(url), make(two, name="b")))
    assert other.calls == []


async def test_a_broken_endpoint_is_left_alone_while_others_answer() -> None:
    """Its circuit breaker opens for itself only; the view tells."""
    server = ModelServer(always="{}")
    async with server.running() as url, endpoints() as make:
        model = routed(make(NOBODY, name="gone"), make(url, name="there"))
        for _ in range(4):
            await model.complete(REQUEST)
        assert {view.name: view.state for view in model.view()} == {"gone": "open", "there": "closed"}


async def test_every_call_is_told_in_metrics_and_span_with_tokens_and_cost() -> None:
    """Counters, histogram and span carry endpoint, outcome, tokens and cost."""
    server = ModelServer(tokens=(100, 10))
    server.will_say("{}")
    metrics = MetricsCollector("test")
    with recorded_telemetry() as telemetry:
        async with server.running() as url, endpoints() as make:
            price = Price(Decimal(1), Decimal(1))
            await routed(make(NOBODY, name="gone"), make(url, name="there", price=price), metrics=metrics).complete(
                REQUEST
            )
        spans = {span.name: span for span in telemetry.spans if span.name.startswith("chat ")}
        telemetry.assert_logged("Model called", endpoint="there", input_tokens=100, output_tokens=10, cost_micros=110)
    value = metrics.registry.get_sample_value
    assert value("model_calls_total", {"endpoint": "there", "outcome": "answered"}) == 1
    assert value("model_calls_total", {"endpoint": "gone", "outcome": "MODEL_UNAVAILABLE"}) == 1
    assert value("model_tokens_total", {"endpoint": "there", "kind": "input"}) == 100
    assert value("model_cost_micros_total", {"endpoint": "there"}) == 110
    attributes = spans["chat there"].attributes
    assert attributes is not None
    assert (attributes["gen_ai.usage.output_tokens"], attributes["maestro.cost_micros"]) == (10, 110)
    assert spans["chat gone"].attributes is not None
    assert spans["chat gone"].attributes["maestro.outcome"] == "MODEL_UNAVAILABLE"
