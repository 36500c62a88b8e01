import json
from datetime import timedelta

import pytest
from opentelemetry import trace
from pydantic import BaseModel

from maestro_core_messaging import EventType, IncompatibleEventError, RedeliveryPolicy, read_event
from maestro_core_messaging._transport import Outgoing
from maestro_core_messaging.testing import eventually
from maestro_core_monitoring import MetricsCollector
from maestro_core_monitoring.testing import CapturedSpans, metric_value

pytest_plugins = ["maestro_core_monitoring.testing.fixtures"]
FAST = RedeliveryPolicy(max_deliveries=2, initial_delay=timedelta(milliseconds=10))


class PaidV1(BaseModel):
    number: int


class PaidV2(BaseModel):
    number: int
    currency: str = "EUR"


class PaidV3(BaseModel):
    lines: list[int]


@pytest.fixture
def versions(service):
    name = f"{service}.order.paid"
    return EventType(name, 1, PaidV1), EventType(name, 2, PaidV2), EventType(name, 3, PaidV3)


async def test_each_consumer_gets_the_version_it_knows(open_broker, versions) -> None:
    """Version 2 that only adds is read by consumers of 1 and 2; version 3 has no way to 1 and goes to its dead letters."""
    v1, v2, v3 = versions
    first, second = [], []
    async with open_broker() as broker:

        @broker.subscriber(v1, durable="first")
        async def on_first(event):
            first.append(event.data)

        @broker.subscriber(v2, durable="second")
        async def on_second(event):
            second.append(event.data)

        await broker.publish(v1, PaidV1(number=1))
        await broker.publish(v2, PaidV2(number=2, currency="CHF"))
        await broker.publish(v3, PaidV3(lines=[1]))
        consumer = broker.consumer_name("first")
        (letter,) = await eventually(lambda: broker.dead_letters.list(consumer=consumer))
        await eventually(lambda: len(second) == 2)
    assert first == [PaidV1(number=1), PaidV1(number=2)]
    assert second == [PaidV2(number=1), PaidV2(number=2, currency="CHF")]
    assert letter.reason == IncompatibleEventError.code
    assert "version 3 cannot be read as version 1: number: Field required" in letter.detail


@pytest.mark.parametrize(
    "body",
    [b"", b"no json", b"[]", b"{}", b'{"specversion": "1.0", "id": "", "source": "/x", "type": "t"}', b"\xff\xfe"],
)
async def test_what_is_no_cloudevent_goes_to_the_dead_letters(open_broker, versions, body) -> None:
    """And what follows is handled."""
    v1, _, _ = versions
    seen = []
    async with open_broker() as broker:

        @broker.subscriber(v1, durable="reads")
        async def reads(event):
            seen.append(event.data.number)

        await broker._transport.publish(Outgoing(v1.subject, body, f"{v1.name}:{body!r}"))
        await broker.publish(v1, PaidV1(number=1))
        (letter,) = await eventually(lambda: broker.dead_letters.list(consumer=broker.consumer_name("reads")))
        await eventually(lambda: seen == [1])
    assert (letter.reason, letter.body, letter.event_id) == ("UNREADABLE_EVENT", body, None)


async def test_the_trace_goes_on_with_the_event(open_broker, versions, captured_spans: CapturedSpans) -> None:
    """From the caller's span over publishing to each attempt, and into the dead letter."""
    v1, _, _ = versions
    attempts = []
    async with open_broker() as broker:

        @broker.subscriber(v1, durable="traced", redelivery=FAST)
        async def traced(event):
            attempts.append(event.extensions["traceparent"])
            with trace.get_tracer("t").start_as_current_span("inside"):
                raise LookupError

        with trace.get_tracer("t").start_as_current_span("order"):
            await broker.publish(v1, PaidV1(number=1))
        (letter,) = await eventually(lambda: broker.dead_letters.list(consumer=broker.consumer_name("traced")))
    order = captured_spans.one("order")
    publish = captured_spans.one(f"publish {v1.subject}")
    processes = captured_spans.named(f"process {v1.subject}")
    assert publish.parent_id == order.span_id
    assert len(processes) == len(captured_spans.named("inside")) == len(attempts) == 2
    assert {span.parent_id for span in processes} == {publish.span_id}
    assert {span.status for span in processes} == {"error"}
    assert {span.trace_id for span in (*processes, publish)} == {order.trace_id} == {letter.trace_id}


async def test_everything_is_counted(open_broker, service, versions) -> None:
    """Published, handled, redelivered, dead, and the lag while an event waits."""
    v1, _, _ = versions
    metrics = MetricsCollector(service)
    async with open_broker(metrics=metrics, lag_interval=timedelta(milliseconds=20)) as broker:

        @broker.subscriber(v1, durable="counted", redelivery=FAST)
        async def counted(event):
            if event.data.number == 0:
                raise LookupError

        for number in range(4):
            await broker.publish(v1, PaidV1(number=number), event_id=f"{service}-{number}")
        await broker.publish(v1, PaidV1(number=3), event_id=f"{service}-3")
        consumer = broker.consumer_name("counted")

        def value(name, **labels):
            return metric_value(metrics, name, service=service, **labels)

        await eventually(lambda: value("messaging_events_consumed_total", consumer=consumer, outcome="handled") == 3)
        await eventually(lambda: value("messaging_events_consumed_total", consumer=consumer, outcome="dead") == 1)
        await eventually(lambda: value("messaging_consumer_lag_events", consumer=consumer) == 0)
    assert value("messaging_events_published_total", event=v1.name, outcome="published") == 4
    assert value("messaging_events_published_total", event=v1.name, outcome="duplicate") == 1
    assert value("messaging_events_redelivered_total", consumer=consumer) == 1
    assert value("messaging_events_dead_total", consumer=consumer, reason="TOO_MANY_DELIVERIES") == 1


async def test_what_is_in_the_stream_is_a_cloudevent_for_everybody(open_broker, service, versions) -> None:
    """Structured mode, JSON, with the names that the specification gives."""
    v1, _, _ = versions
    async with open_broker() as broker:
        sent = await broker.publish(v1, PaidV1(number=1), key="k", subject="order/1")
        following = broker.tail(v1.subject, since=sent.time - timedelta(seconds=5))
        stored = await anext(following)
        await following.aclose()
    body = json.loads(stored.body)
    time, traceparent = body.pop("time"), body.pop("traceparent", "00-")
    assert time.endswith("Z")
    assert traceparent.startswith("00-")
    assert body == {
        "specversion": "1.0",
        "id": sent.id,
        "source": f"/{service}",
        "type": f"maestro.{service}.order.paid",
        "subject": "order/1",
        "partitionkey": "k",
        "dataschema": f"urn:maestro:event:{service}.order.paid:1",
        "datacontenttype": "application/json",
        "data": {"number": 1},
    }
    assert read_event(stored.body).id == sent.id
