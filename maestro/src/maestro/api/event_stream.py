"""A run's history as server-sent events."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any, Final

from starlette.responses import StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from maestro.api.run_views import event_view
from maestro_workflow_engine import HistoryEvent

HEARTBEAT: Final = timedelta(seconds=15)
"""The longest silence: proxies and clients tell a quiet run from a dead connection."""


class EventStream(StreamingResponse):
    """Sends one message per event: `id` is its position, `event` its type, `data` the event as JSON.

    Args:
        events: The events; the stream ends with them.
        heartbeat: The longest silence.
    """

    media_type = "text/event-stream"

    def __init__(self, events: AsyncIterator[HistoryEvent], *, heartbeat: timedelta = HEARTBEAT) -> None:
        headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
        super().__init__(messages(events, heartbeat=heartbeat), headers=headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the messages until they end, the client leaves or the service stops.

        A service that stops cancels its streams. The answer is then brought to its proper end, so that the client sees a
        stream that ended, connects again and resumes, rather than one that broke.
        """
        begun = False

        async def noted(part: Message) -> None:
            nonlocal begun
            begun = True
            await send(part)

        sending = asyncio.create_task(self.stream_response(noted))
        leaving = asyncio.create_task(self.listen_for_disconnect(receive))
        try:
            await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            await _cancelled(sending)
            if begun:
                await send({"type": "http.response.body", "body": b"", "more_body": False})
            raise
        finally:
            await _cancelled(leaving)
            await _cancelled(sending)
        if not sending.cancelled():
            sending.result()


async def messages(events: AsyncIterator[HistoryEvent], *, heartbeat: timedelta) -> AsyncIterator[bytes]:
    """Write events, and a comment whenever none came for a while.

    Args:
        events: The events.
        heartbeat: The longest silence.

    Yields:
        Messages and comments in the format of the HTML Living Standard, section 9.2.
    """
    yield b": connected\n\n"  # so that the head of the answer goes out at once, however quiet the run is
    pending: asyncio.Task[HistoryEvent | None] | None = None
    try:
        while True:
            pending = pending or asyncio.create_task(_next(events))
            await asyncio.wait({pending}, timeout=heartbeat.total_seconds())
            if not pending.done():
                yield b": waiting\n\n"
                continue
            event, pending = pending.result(), None
            if event is None:
                return
            yield message(event)
    finally:
        if pending is not None:
            await _cancelled(pending)


def message(event: HistoryEvent) -> bytes:
    """Write one event.

    Args:
        event: The event.

    Returns:
        The message.
    """
    # JSON holds no raw line break, so that one data line is enough.
    data = json.dumps(event_view(event), ensure_ascii=False, separators=(",", ":"))
    return f"id: {event.position}\nevent: {event.type}\ndata: {data}\n\n".encode()


async def _cancelled(task: asyncio.Task[Any]) -> None:
    task.cancel()
    await asyncio.wait({task})


async def _next(events: AsyncIterator[HistoryEvent]) -> HistoryEvent | None:
    return await anext(events, None)
