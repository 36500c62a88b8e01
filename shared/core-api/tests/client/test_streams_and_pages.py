from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Annotated, Any

import pytest
from fastapi import Header
from starlette.responses import StreamingResponse

from maestro_core_api import (
    APIClient,
    BadGatewayException,
    ClientConfig,
    RemoteAPIException,
    RetryConfig,
    ServiceUnavailableException,
    public,
)
from maestro_core_api.testing import running

QUICK = ClientConfig(retry=RetryConfig(first_pause=timedelta(milliseconds=1)), circuit=None)


def counting(app: Any, *, upto: int, breaks_after: int) -> list[str | None]:
    """Add a stream of numbered events that breaks every few of them; returns the positions that were asked for."""
    asked: list[str | None] = []

    @app.get("/events")
    @public
    async def events(last_event_id: Annotated[str | None, Header()] = None) -> StreamingResponse:
        asked.append(last_event_id)
        first = int(last_event_id or 0) + 1

        async def send() -> AsyncIterator[str]:
            yield "retry: 1\n\n"
            for number in range(first, upto + 1):
                if number == first + breaks_after:
                    raise OSError("broken")
                yield f"id: {number}\ndata: {number}\n\n"

        return StreamingResponse(send(), media_type="text/event-stream")

    return asked


async def test_a_stream_that_breaks_goes_on_behind_the_last_event(make_app: Any) -> None:
    """Every event comes once and in order, over as many connections as it takes."""
    app = make_app()
    asked = counting(app, upto=7, breaks_after=3)
    async with running(app) as url, APIClient(url, config=QUICK) as client:
        events = [event async for event in client.stream_events("/events", reconnects=1) if event.data]
    assert [event.data for event in events] == ["1", "2", "3", "4", "5", "6", "7"]
    assert asked == [None, "3", "6"]


async def test_a_stream_that_makes_no_progress_ends(make_app: Any, raw: Any) -> None:
    """It is opened again so many times in a row without an event, and then the failure is told."""
    server = await raw(b"HTTP/1.1 200 X\r\ncontent-type: text/event-stream\r\ncontent-length: 9\r\n\r\n")
    async with APIClient(server.url, retries=0, config=QUICK) as client:
        with pytest.raises(ServiceUnavailableException):
            await anext(client.stream_events("/events", reconnects=3))
    assert server.count == 4


async def test_a_stream_without_positions_is_not_resumed(raw: Any) -> None:
    """Events without an id cannot be told from those that came: what breaks is told, not repeated."""
    server = await raw(
        b"HTTP/1.1 200 X\r\ncontent-type: text/event-stream\r\ncontent-length: 99\r\n\r\ndata: one\n\ndata: tw"
    )
    async with APIClient(server.url, config=QUICK) as client:
        events = client.stream_events("/events", reconnects=5)
        assert (await anext(events)).data == "one"
        with pytest.raises(ServiceUnavailableException):
            await anext(events)
    assert server.count == 1


async def test_a_refused_stream_is_not_opened_again(raw: Any, answer: Any) -> None:
    """An answer that will not change ends the stream at once."""
    server = await raw(answer(410, '{"error_code": "GONE"}'))
    async with APIClient(server.url, config=QUICK) as client:
        with pytest.raises(RemoteAPIException) as raised:
            await anext(client.stream_events("/events", reconnects=5))
    assert (raised.value.error_code, server.count) == ("GONE", 1)


async def test_an_answer_that_is_no_event_stream_is_an_error(raw: Any, answer: Any) -> None:
    """A page of text is not read as events."""
    server = await raw(answer(200, "data: one\n\n", content_type="text/plain"))
    async with APIClient(server.url, config=QUICK) as client:
        with pytest.raises(ServiceUnavailableException, match="event-stream"):
            await anext(client.stream_events("/events"))


async def test_a_listing_is_read_item_by_item(make_app: Any, token: str) -> None:
    """All items of all pages come in order, pages are asked for as they are needed, and filters stay."""
    app, asked = make_app(), []

    @app.get("/orders")
    async def orders(state: str, limit: int, cursor: int = 0) -> dict[str, Any]:
        asked.append((state, limit, cursor))
        following = cursor + limit
        return {"orders": list(range(cursor, min(following, 7))), "next_cursor": following if following < 7 else None}

    async with running(app) as url, APIClient(url, token=token) as client:
        pages = client.pages("/orders", items="orders", params={"state": "new", "limit": 3})
        assert [await anext(pages) for _ in range(3)] == [0, 1, 2]
        assert len(asked) == 1
        assert [item async for item in pages] == [3, 4, 5, 6]
    assert asked == [("new", 3, 0), ("new", 3, 3), ("new", 3, 6)]


@pytest.mark.parametrize(
    ("page", "code"),
    [
        ('{"items": [1], "next_cursor": "a"}', "PAGES_REPEAT"),
        ('{"rows": []}', "NOT_A_PAGE"),
        ('{"items": {}}', "NOT_A_PAGE"),
        ("[]", "NOT_A_PAGE"),
        ("text", "NOT_A_PAGE"),
    ],
)
async def test_a_listing_that_is_none_or_goes_round_ends(raw: Any, answer: Any, page: str, code: str) -> None:
    """Pages that repeat, or are none, are an error that names the listing."""
    server = await raw(answer(200, page))
    async with APIClient(server.url) as client:
        with pytest.raises(BadGatewayException, match="GET /orders") as raised:
            _ = [item async for item in client.pages("/orders")]
    assert raised.value.error_code == code
