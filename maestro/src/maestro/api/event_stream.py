"""A run's history as server-sent events."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta
from typing import Final

from starlette.responses import StreamingResponse

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
            pending.cancel()
            with suppress(asyncio.CancelledError):
                await pending


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


async def _next(events: AsyncIterator[HistoryEvent]) -> HistoryEvent | None:
    return await anext(events, None)
