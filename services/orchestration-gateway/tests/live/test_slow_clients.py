"""Clients that do not read: bounded in memory, told or cut off, and never in the way of others."""

import asyncio
import json
from collections.abc import Callable
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from maestro_core_api import Principal
from orchestration_gateway.live.api import _sse
from orchestration_gateway.live.feed import Feed, FeedEvent
from orchestration_gateway.live.sse import BEAT, CONNECTED, SseResponse

from .test_streams import held, start, stream, until_waiting


async def test_a_client_that_falls_behind_is_told_and_resumes(world: Any) -> None:
    """It gets `lagged` without an id, and behind its last id everything that it missed, from the history."""
    from ..conftest import WAITS  # noqa: F401, TID252 - registered by the world

    await start(world, "shop/waits", "r")
    await until_waiting(world, "r")
    hub = await held(world)
    async with stream(world.gateway, "/live/runs/r") as events:
        first = await anext(events)
        feed: Feed = hub._followed["r"].feed
        # More than is kept happens before the client's turn comes again.
        last = feed.last
        for position in range(last + 1, last + 2_000):
            feed.add(FeedEvent(position, "made_up", "{}"))
        rest = [each async for each in events]
    assert rest[-1]["event"] == "lagged"
    assert "id" not in rest[-1]
    assert "detail" in json.loads(rest[-1]["data"])
    assert first["id"] == "0"


async def test_a_client_that_takes_nothing_is_cut_off() -> None:
    """A part that is not taken in time ends the answer, and what it held is given back."""
    closed = asyncio.Event()

    async def parts() -> Any:
        try:
            while True:
                yield b"x"
        finally:
            closed.set()

    from datetime import timedelta

    response = SseResponse(parts(), send_timeout=timedelta(milliseconds=50))
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)
        if len(sent) == 3:
            await asyncio.Event().wait()

    async with asyncio.timeout(30):
        await response({"type": "http"}, asyncio.Event().wait, send)
    assert closed.is_set()
    assert len(sent) == 3


async def test_a_stopping_service_ends_the_answer_properly() -> None:
    """A cancelled stream is brought to its end, so that the client sees an end and not a break."""

    async def parts() -> Any:
        yield CONNECTED
        await asyncio.Event().wait()

    from datetime import timedelta

    response = SseResponse(parts(), send_timeout=timedelta(seconds=30))
    sent: list[Any] = []
    begun = asyncio.Event()

    async def send(message: Any) -> None:
        sent.append(message)
        if message["type"] == "http.response.body":
            begun.set()

    task = asyncio.create_task(response({"type": "http"}, asyncio.Event().wait, send))
    await begun.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert sent[-1] == {"type": "http.response.body", "body": b"", "more_body": False}


async def test_a_place_is_held_as_long_as_the_answer_is_sent() -> None:
    """An answer that is never sent takes none, and one whose end goes wrong gives it back."""
    places: list[str] = []

    @asynccontextmanager
    async def stream_place(tenant: str | None) -> Any:
        places.append("taken")
        try:
            yield
        finally:
            places.append("given back")

    async def portions() -> Any:
        try:
            yield None
        finally:
            raise ValueError("the end goes wrong")

    async def send(message: Any) -> None:
        if message.get("body") == BEAT:
            leave.set()
            await asyncio.Event().wait()

    async def receive() -> Any:
        await leave.wait()
        return {"type": "http.disconnect"}

    leave = asyncio.Event()
    state = SimpleNamespace(
        quotas=SimpleNamespace(stream=stream_place), config=SimpleNamespace(stream_send_timeout_s=30.0)
    )
    response = await _sse(state, Principal("me", frozenset()), portions())
    assert places == []
    with pytest.raises(ValueError, match="the end goes wrong"):
        await response({"type": "http"}, receive, send)
    assert places == ["taken", "given back"]


async def test_a_slow_client_does_not_hold_up_the_others(open_world: Callable[..., Any]) -> None:
    """Beside one that has stopped reading, another is served to the end."""
    from ..conftest import ECHO  # noqa: TID252 - as its neighbours

    async with open_world() as world:
        await world.register(ECHO)
        await start(world, "shop/echo", "r", input={"order": 1})
        host, port = world.gateway.base_url.host, world.gateway.base_url.port
        _, writer = await asyncio.open_connection(host, port, limit=1)
        authorization = world.gateway.headers["authorization"]
        writer.write(f"GET /live/runs/r HTTP/1.1\r\nHost: x\r\nAuthorization: {authorization}\r\n\r\n".encode())
        await writer.drain()
        async with stream(world.gateway, "/live/runs/r") as events:
            assert [each async for each in events][-1]["event"] == "complete"
        writer.close()
