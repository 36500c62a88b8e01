import asyncio
import gc
import socket
import threading
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from fastapi import Request, WebSocket
from starlette.responses import StreamingResponse

from maestro_core_api import LimitsConfig, MaestroAPI, public, time_limit
from maestro_core_api._request_info import request_info
from maestro_core_api.testing import running
from maestro_core_logging.testing import capture_logs

MakeApp = Callable[..., MaestroAPI]
SHORT = timedelta(milliseconds=200)
LONG = timedelta(hours=1)


@pytest.fixture
def limited(make_app: MakeApp) -> MaestroAPI:
    """A service in which a request may take a fifth of a second."""
    return make_app(limits=LimitsConfig(request_timeout=SHORT, body_timeout=LONG))


async def test_a_request_that_takes_too_long_is_answered_and_ended(
    limited: MaestroAPI, http: httpx2.AsyncClient, eventually: Any
) -> None:
    """The caller gets 504 with the limit that applied, the endpoint is cancelled, and log and metrics say 504."""
    ended = asyncio.Event()

    @limited.get("/stuck/{number}")
    @public
    async def stuck(number: int) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    with capture_logs() as logs:
        async with running(limited) as url:
            answer = await http.get(f"{url}/stuck/1", headers={"x-request-id": "abc"})
            await asyncio.wait_for(ended.wait(), 30)
            await eventually(lambda: not len(limited.in_flight))
            metrics = (await http.get(f"{url}/metrics")).text
            again = await http.get(f"{url}/health/live")
    document = answer.json()
    assert answer.status_code == 504
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.headers["x-request-id"], answer.headers["x-content-type-options"]) == ("abc", "nosniff")
    assert (document["error_code"], document["rule"], document["limit_s"]) == (
        "REQUEST_TIMED_OUT",
        "request-timeout",
        0.2,
    )
    (access,) = [line for line in logs if line["event"] == "Request answered" and line["path"] == "/stuck/1"]
    assert (access["status"], access["error_code"], access["trace_id"]) == (
        504,
        "REQUEST_TIMED_OUT",
        document["trace_id"],
    )
    assert 'service_requests_total{method="GET",route="/stuck/{number}",service="orders",status="504"} 1.0' in metrics
    assert again.status_code == 200
    assert not [line for line in logs if line["level"] == "error"]


async def test_an_endpoint_s_own_limit_wins(limited: MaestroAPI, http: httpx2.AsyncClient) -> None:
    """A longer limit of one endpoint, or none at all, is kept to; a shorter one as well."""
    go = asyncio.Event()

    @limited.get("/patient")
    @public
    @time_limit(None)
    async def patient() -> str:
        await go.wait()
        return "done"

    @limited.get("/hasty")
    @public
    @time_limit(timedelta(milliseconds=1))
    async def hasty() -> None:
        await asyncio.Event().wait()

    @limited.get("/usual")
    @public
    async def usual() -> None:
        await asyncio.Event().wait()

    async with running(limited) as url:
        waiting = asyncio.create_task(http.get(f"{url}/patient"))
        hasty_answer = await http.get(f"{url}/hasty")
        usual_answer = await http.get(f"{url}/usual")  # its end shows that the limit of the others has passed
        go.set()
        assert (await waiting).json() == "done"
    assert (hasty_answer.status_code, hasty_answer.json()["limit_s"]) == (504, 0.001)
    assert (usual_answer.status_code, usual_answer.json()["limit_s"]) == (504, 0.2)


@pytest.mark.parametrize("limit", [timedelta(0), timedelta(seconds=-1)])
def test_a_limit_of_nothing_is_refused(limit: timedelta) -> None:
    """A limit that no request could keep to is a mistake."""
    with pytest.raises(ValueError, match="positive"):
        time_limit(limit)


async def test_an_answer_that_has_begun_may_take_its_time(limited: MaestroAPI, http: httpx2.AsyncClient) -> None:
    """Streams and open WebSockets have no limit."""
    go = asyncio.Event()

    @limited.get("/stream")
    @public
    async def stream() -> StreamingResponse:
        async def pieces() -> AsyncIterator[str]:
            yield "first,"
            await go.wait()
            yield "last"

        return StreamingResponse(pieces())

    @limited.get("/usual")
    @public
    async def usual() -> None:
        await asyncio.Event().wait()

    async with running(limited) as url:
        streaming = asyncio.create_task(http.get(f"{url}/stream"))
        assert (await http.get(f"{url}/usual")).status_code == 504
        go.set()
        assert (await streaming).text == "first,last"


async def test_a_thread_s_caller_does_not_wait_for_it(limited: MaestroAPI, http: httpx2.AsyncClient) -> None:
    """A plain function cannot be interrupted, but its caller is answered in time."""
    go = threading.Event()

    @limited.get("/thread")
    @public
    def thread() -> None:
        assert go.wait(60)

    async with running(limited) as url:
        answer = await http.get(f"{url}/thread")
        go.set()
    assert answer.status_code == 504


async def test_an_endpoint_that_swallows_its_cancellation_does_no_harm(
    limited: MaestroAPI, http: httpx2.AsyncClient
) -> None:
    """What an endpoint answers after its time goes nowhere, and the connection stays in order."""

    @limited.get("/stubborn")
    @public
    async def stubborn() -> str:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return "too late"
        return "never"

    async with running(limited) as url:
        answers = [await http.get(f"{url}/stubborn") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [504, 504]


async def test_a_body_that_trickles_is_cut(
    make_app: MakeApp, auth: Callable[..., dict[str, str]], request: pytest.FixtureRequest
) -> None:
    """A client that sends its body byte by byte is answered with 408 and its connection is closed, without the collector."""
    gc.collect()
    gc.disable()
    request.addfinalizer(gc.enable)
    app = make_app(limits=LimitsConfig(request_timeout=LONG, body_timeout=SHORT))

    @app.post("/orders")
    async def create(data: dict[str, Any]) -> dict[str, Any]:
        return data

    head = "POST /orders HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n"
    head += f"authorization: {auth('viewer')['Authorization']}\r\n\r\n"
    async with running(app) as url:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
        writer.write(head.encode() + b"{")

        async def trickle() -> None:
            while True:
                await asyncio.sleep(0.02)
                writer.write(b" ")
                await writer.drain()

        trickling = asyncio.create_task(trickle())
        answer = await asyncio.wait_for(reader.read(), 30)
        trickling.cancel()
        await asyncio.gather(trickling, return_exceptions=True)
        writer.close()
    assert answer.startswith(b"HTTP/1.1 408")
    assert b"BODY_TIMED_OUT" in answer
    assert b"connection: close" in answer.lower()


async def test_a_slow_endpoint_is_not_a_slow_body(
    make_app: MakeApp, http: httpx2.AsyncClient, auth: Callable[..., dict[str, str]]
) -> None:
    """The limit for bodies is about the caller: once all of a body is there, nothing of it is waited for any more."""
    app = make_app()

    @app.post("/slow")
    async def slow(request: Request, data: dict[str, int]) -> dict[str, bool]:
        return {"is_all_there": request_info(request.scope).body is None}

    async with running(app) as url:
        answer = await http.post(f"{url}/slow", json={"a": 1}, headers=auth("viewer"))
    assert answer.json() == {"is_all_there": True}


async def test_heads_have_limits(make_app: MakeApp, http: httpx2.AsyncClient) -> None:
    """A head that is too large is refused, and a connection that never sends one is closed."""
    app = make_app(limits=LimitsConfig(max_header_bytes=8_192, header_timeout=SHORT))
    async with running(app) as url:
        port = int(url.rpartition(":")[2])
        refused = await http.get(f"{url}/health/live", headers={"x-large": "x" * 20_000})
        with socket.create_connection(("127.0.0.1", port)) as silent:
            silent.settimeout(30)
            silent.sendall(b"GET /health/live HTTP/1.1\r\nhost")
            ended = await asyncio.to_thread(silent.recv, 1_000)
    assert refused.status_code == 431
    assert b"200" not in ended


async def test_a_websocket_has_no_limit(limited: MaestroAPI, http: httpx2.AsyncClient, eventually: Any) -> None:
    """A WebSocket stays open for longer than a request may take."""
    from starlette.testclient import TestClient

    go = threading.Event()

    @limited.websocket("/live")
    @public
    async def live(connection: WebSocket) -> None:
        await connection.accept()
        await asyncio.to_thread(go.wait, 60)
        await connection.send_text("still here")
        await connection.close()

    @limited.get("/usual")
    @public
    async def usual() -> None:
        await asyncio.Event().wait()

    def talk() -> str:
        with TestClient(limited) as client, client.websocket_connect("/live") as connection:
            assert client.get("/usual").status_code == 504
            go.set()
            return connection.receive_text()

    assert await asyncio.to_thread(talk) == "still here"
