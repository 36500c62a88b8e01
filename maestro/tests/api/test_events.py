import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from maestro.api.event_stream import message, messages
from maestro_core_api import APIClient, RemoteAPIException
from maestro_workflow_engine import HistoryEvent

pytestmark = pytest.mark.runners("journal", "temporal")

START = {"workflow": "office/approval", "id": "r"}


async def test_a_stream_follows_a_run_to_its_end(client: APIClient) -> None:
    """Events come while they happen: id, type and the event as JSON; the stream ends with the run."""
    await client.post("/runs", json=START)
    seen = []
    async with asyncio.timeout(20):
        async for event in client.stream_events("/runs/r/events"):
            seen.append(event)
            if event.event == "run_started":
                await client.post("/runs/r/signals/answer", json="yes")
    assert [event.event for event in seen] == ["run_started", "signal_received", "run_completed"]
    told = [json.loads(event.data) for event in seen]
    positions = [one["position"] for one in told]
    assert [event.id for event in seen] == [str(position) for position in positions]
    assert positions == sorted(set(positions))
    assert told == (await client.get("/runs/r/history")).json()["events"]
    assert told[1] | {"name": "answer", "payload": "yes"} == told[1]
    assert datetime.fromisoformat(told[0]["time"]).tzinfo is not None


async def test_a_stream_resumes_after_the_last_event_seen(client: APIClient) -> None:
    """With Last-Event-ID only what came later is sent; when nothing can come any more, the answer is 204."""
    await client.post("/runs", json=START)
    await client.post("/runs/r/signals/answer", json="yes")
    async with asyncio.timeout(20):
        all_of_it = [event async for event in client.stream_events("/runs/r/events")]
        rest = [event async for event in client.stream_events("/runs/r/events", headers={"Last-Event-ID": "0"})]
    assert rest == all_of_it[1:]
    done = await client.get("/runs/r/events", headers={"Last-Event-ID": str(all_of_it[-1].id)})
    assert (done.status_code, done.content) == (204, b"")


async def test_an_id_that_is_none_is_refused(client: APIClient) -> None:
    """A Last-Event-ID that no event can have answers 422."""
    await client.post("/runs", json=START)
    with pytest.raises(RemoteAPIException) as caught:
        await client.get("/runs/r/events", headers={"Last-Event-ID": "last"})
    assert (caught.value.status_code, caught.value.errors[0]["path"]) == (422, "header.Last-Event-ID")


async def test_a_quiet_stream_says_that_it_lives() -> None:
    """While nothing happens comments are sent; an event that comes late is not lost; the source is closed at the end."""
    happened = asyncio.Event()
    closed = asyncio.Event()

    async def events() -> AsyncIterator[HistoryEvent]:
        try:
            await happened.wait()
            yield HistoryEvent(0, datetime.now(UTC), "run_completed", {"output": "a\nb"})
        finally:
            closed.set()

    seen: list[bytes] = []
    async with asyncio.timeout(20):
        async for part in messages(events(), heartbeat=timedelta(milliseconds=1)):
            seen.append(part)
            if len(seen) == 3:
                happened.set()
    assert seen[0] == b": connected\n\n"
    assert seen[1:3] == [b": waiting\n\n"] * 2
    assert seen[-1].startswith(b"id: 0\nevent: run_completed\ndata: {")
    assert closed.is_set()


async def test_a_stream_that_nobody_reads_lets_go_of_its_source() -> None:
    """Closing a stream that waits ends the wait and closes the source."""
    closed = asyncio.Event()

    async def events() -> AsyncIterator[HistoryEvent]:
        try:
            await asyncio.Event().wait()
            yield HistoryEvent(0, datetime.now(UTC), "never", {})
        finally:
            closed.set()

    stream = messages(events(), heartbeat=timedelta(milliseconds=1))
    assert [await anext(stream), await anext(stream)] == [b": connected\n\n", b": waiting\n\n"]
    await stream.aclose()  # type: ignore[attr-defined]  # an async generator has it
    assert closed.is_set()


def test_a_message_is_one_line_of_data() -> None:
    """Line breaks in an event do not break its message."""
    event = HistoryEvent(7, datetime(2026, 1, 2, tzinfo=UTC), "signal_received", {"payload": "a\r\nb\n\nevent: x"})
    assert message(event).decode().splitlines() == [
        "id: 7",
        "event: signal_received",
        'data: {"position":7,"time":"2026-01-02T00:00:00+00:00","type":"signal_received","payload":"a\\r\\nb\\n\\nevent: x"}',
        "",
    ]
