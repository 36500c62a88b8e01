"""Server-sent events that stop their source when the reader leaves."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from typing import Any

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

_HEARTBEAT_S = 15.0


class EventStream(StreamingResponse):
    """Sends events, and a comment whenever none came for a while.

    When the reader leaves, or the service stops, the events' source is cancelled and has ended before this returns.

    Args:
        events: Kind and data of each event.
    """

    media_type = "text/event-stream"

    def __init__(self, events: AsyncIterator[tuple[str, Mapping[str, Any]]]) -> None:
        self._events = events
        super().__init__(self._messages(), headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the events."""
        sending = asyncio.create_task(self.stream_response(send))
        leaving = asyncio.create_task(self.listen_for_disconnect(receive))
        try:
            await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (sending, leaving):
                task.cancel()
            await asyncio.wait({sending, leaving})
        if not sending.cancelled():
            # A reader that is gone is no fault of the service's.
            with suppress(OSError):
                sending.result()

    async def _messages(self) -> AsyncIterator[bytes]:
        pending: asyncio.Task[tuple[str, Mapping[str, Any]] | None] | None = None
        try:
            while True:
                pending = pending or asyncio.create_task(self._next())
                await asyncio.wait({pending}, timeout=_HEARTBEAT_S)
                if not pending.done():
                    yield b": waiting\n\n"
                    continue
                event, pending = pending.result(), None
                if event is None:
                    return
                kind, data = event
                # JSON holds no raw line break, so that one data line is enough.
                text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
                yield f"event: {kind}\ndata: {text}\n\n".encode("utf-8", errors="replace")
        finally:
            if pending is not None:
                pending.cancel()
                await asyncio.wait({pending})

    async def _next(self) -> tuple[str, Mapping[str, Any]] | None:
        return await anext(self._events, None)
