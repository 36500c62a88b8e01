"""`emit`: the event that is published, what hears it, and where it goes outside."""

import asyncio
import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from listening import LIMIT, listens

from maestro_workflow_engine import EventSinkError, HttpEventSink, WorkflowEngine, WorkflowFailedError
from maestro_workflow_engine.dsl import DocumentError

Load = Callable[..., Any]


def emitting(properties: str) -> str:
    return f"do: [{{send: {{emit: {{event: {{with: {{{properties}}}}}}}}}}}]"


def test_the_output_is_the_event_with_what_was_made_up_for_it(execute: Callable[..., Any]) -> None:
    """An id, the workflow as the source, the time; data with its expressions filled in."""
    output = execute(emitting("type: order.made, data: {n: '${ .n }', list: [1, '${ .n + 1 }']}"), {"n": 7})
    assert UUID(output.pop("id")).version == 4
    assert datetime.fromisoformat(output.pop("time")).tzinfo is not None
    assert output == {
        "specversion": "1.0",
        "source": "/test/sample/1.0.0",
        "type": "order.made",
        "data": {"n": 7, "list": [1, 8]},
    }


def test_every_attribute_can_be_given(execute: Callable[..., Any]) -> None:
    """Expressions, URI templates, extensions; numbers in attributes that are text become text, and null leaves them out."""
    output = execute(
        emitting(
            "id: '${ .n }', type: '${ .kind }', source: 'https://example.com/orders/{n}', time: '2026-01-31T12:00:00+01:00',"
            " subject: '${ .none }', dataschema: 'https://example.com/{kind}', datacontenttype: text/plain,"
            " priority: '${ .n }', urgent: true, data: '${ .kind }'"
        ),
        {"n": 7, "kind": "made"},
    )
    assert output == {
        "specversion": "1.0",
        "id": "7",
        "type": "made",
        "source": "https://example.com/orders/7",
        "time": "2026-01-31T12:00:00+01:00",
        "dataschema": "https://example.com/made",
        "datacontenttype": "text/plain",
        "priority": 7,
        "urgent": True,
        "data": "made",
    }


@pytest.mark.parametrize("properties", ["type: '${ .none }'", "type: a, x: '${ [1] }'", "type: a, time: '${ .text }'"])
async def test_what_turns_out_to_be_no_event_is_an_error_of_the_task(load: Load, properties: str) -> None:
    """The standard error `validation`; nothing is published."""
    document = load(emitting(properties))
    async with WorkflowEngine("sqlite://", workflows=[document.as_workflow()]) as engine:
        handle = await engine.start(document.qualified_name, {"text": "soon"})
        with pytest.raises(WorkflowFailedError, match="errors/validation"):
            await handle.result(LIMIT)


async def test_other_runs_hear_what_a_run_emits(load: Load) -> None:
    """An event goes to all who listen, the emitter among them, with one id in every replay."""
    listener = load("do: [{w: {listen: {to: {one: {with: {type: ping}}}, read: envelope}}}]")
    emitter = load(
        "document: {dsl: '1.0.3', namespace: test, name: emitter, version: 1.0.0}\n"
        "do: [{f: {fork: {branches: [{l: {listen: {to: {one: {with: {type: ping}}}, read: envelope}}},"
        " {e: {do: [{s: {wait: {milliseconds: 30}}}, {send: {emit: {event: {with: {type: ping}}}}}]}}]}}}]"
    )
    async with WorkflowEngine("sqlite://", workflows=[listener.as_workflow(), emitter.as_workflow()]) as engine:
        others = [await engine.start(listener.qualified_name) for _ in range(3)]
        for each in others:
            await listens(each)
        heard, sent = await (await engine.start(emitter.qualified_name)).result(LIMIT)
        assert heard == [sent]
        assert [await each.result(LIMIT) for each in others] == [[sent]] * 3


async def test_an_event_of_the_same_source_and_id_is_the_same_event(load: Load) -> None:
    """It goes to nobody a second time, whoever emits it; the task completes all the same."""
    listener = load(
        "do: [{w: {listen: {to: {any: [{with: {type: a}}], until: {one: {with: {type: end}}}}, read: envelope}}}]"
    )
    emitter = load(
        "document: {dsl: '1.0.3', namespace: test, name: emitter, version: 1.0.0}\n"
        "do: [{send: {emit: {event: {with: {type: a, id: same, source: here}}}}}]"
    )
    async with WorkflowEngine("sqlite://", workflows=[listener.as_workflow(), emitter.as_workflow()]) as engine:
        handle = await engine.start(listener.qualified_name)
        await listens(handle)
        emitters = await asyncio.gather(*(engine.start(emitter.qualified_name) for _ in range(5)))
        assert {(await each.result(LIMIT))["id"] for each in emitters} == {"same"}
        assert not await engine.publish_event({"id": "same", "source": "here", "type": "a"})
        assert await engine.publish_event({"id": "end", "source": "here", "type": "end"})
        assert [each["id"] for each in await handle.result(LIMIT)] == ["same"]


class Sink:
    """Takes events, after it has refused some."""

    def __init__(self, refusals: int = 0) -> None:
        self.refusals = refusals
        self.taken: list[Mapping[str, Any]] = []
        self.is_full = asyncio.Event()
        self.wanted = 1

    async def send(self, event: Mapping[str, Any]) -> None:
        if self.refusals:
            self.refusals -= 1
            raise EventSinkError("not now")
        self.taken.append(event)
        if len(self.taken) >= self.wanted:
            self.is_full.set()


async def test_emitted_events_go_to_the_sink_in_order(load: Load) -> None:
    """Those that came from outside do not; one that is refused is offered again, before those behind it."""
    document = load("do: [{a: {emit: {event: {with: {type: first}}}}}, {b: {emit: {event: {with: {type: second}}}}}]")
    sink = Sink(refusals=2)
    sink.wanted = 2
    async with WorkflowEngine("sqlite://", workflows=[document.as_workflow()], event_sink=sink) as engine:
        await engine.publish_event({"id": "1", "source": "outside", "type": "third"})
        await (await engine.start(document.qualified_name)).result(LIMIT)
        async with asyncio.timeout(LIMIT.total_seconds()):
            await sink.is_full.wait()
    assert [each["type"] for each in sink.taken] == ["first", "second"]


async def test_what_was_not_handed_over_is_offered_by_the_next_engine(load: Load, tmp_path: Path) -> None:
    """An event that was published is kept until the sink has it."""
    document = load(emitting("type: kept"))
    url, workflows = f"sqlite:///{tmp_path}/journal.db", [document.as_workflow()]
    async with WorkflowEngine(url, workflows=workflows, event_sink=Sink(refusals=1_000)) as engine:
        run = await engine.start(document.qualified_name)
        sent = await run.result(LIMIT)
    sink = Sink()
    async with WorkflowEngine(url, workflows=workflows, event_sink=sink):
        async with asyncio.timeout(LIMIT.total_seconds()):
            await sink.is_full.wait()
    again = Sink()
    async with WorkflowEngine(url, workflows=workflows, event_sink=again) as engine:
        later = await engine.start(document.qualified_name)
        other = await later.result(LIMIT)
        async with asyncio.timeout(LIMIT.total_seconds()):
            await again.is_full.wait()
    assert sink.taken == [{**sent, "partitionkey": run.id}]
    assert again.taken == [{**other, "partitionkey": later.id}]


async def test_the_http_sink_posts_in_structured_mode() -> None:
    """The event is the body; anything but 2xx is a refusal."""
    received: list[tuple[str, Any]] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.partition("content-length: ")[2].split("\r\n")[0])
        received.append((head, json.loads(await reader.readexactly(length))))
        status = b"202 Accepted" if len(received) == 1 else b"503 Service Unavailable"
        writer.write(b"HTTP/1.1 " + status + b"\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        sink = HttpEventSink(f"http://127.0.0.1:{port}/events", {"authorization": "Bearer x"}, timedelta(seconds=20))
        await sink.send({"id": "1", "source": "s", "type": "t", "specversion": "1.0"})
        with pytest.raises(EventSinkError, match="503"):
            await sink.send({"id": "2", "source": "s", "type": "t", "specversion": "1.0"})
    with pytest.raises(EventSinkError, match="cannot be reached"):
        await sink.send({"id": "3", "source": "s", "type": "t", "specversion": "1.0"})
    head, body = received[0]
    assert body == {"id": "1", "source": "s", "type": "t", "specversion": "1.0"}
    assert head.startswith("post /events")
    assert "content-type: application/cloudevents+json; charset=utf-8" in head
    assert "authorization: bearer x" in head


@pytest.mark.parametrize(
    ("emit", "path", "words"),
    [
        ("{}", "/do/0/e/emit", "'event' is missing"),
        ("{event: {}}", "/do/0/e/emit/event", "under 'with'"),
        ("{event: {with: {}}}", "/do/0/e/emit/event/with", "'type' is missing"),
        ("{event: {with: {type: a, roomId: b}}}", "/do/0/e/emit/event/with/roomId", "no attribute of a CloudEvent"),
        ("{event: {with: {type: 7}}}", "/do/0/e/emit/event/with/type", "must be text"),
        ("{event: {with: {type: a, time: soon}}}", "/do/0/e/emit/event/with/time", "no RFC 3339 time"),
        ("{event: {with: {type: a, specversion: '0.3'}}}", "/do/0/e/emit/event/with/specversion", "'1.0'"),
        ("{event: {with: {type: a, data: '${ input }'}}}", "/do/0/e/emit/event/with/data", "did you mean $input?"),
    ],
)
def test_faults_name_their_place(load: Load, emit: str, path: str, words: str) -> None:
    """A document that cannot emit is refused."""
    with pytest.raises(DocumentError) as caught:
        load(f"do: [{{e: {{emit: {emit}}}}}]")
    assert [fault.path for fault in caught.value.faults] == [path]
    assert words in str(caught.value)
