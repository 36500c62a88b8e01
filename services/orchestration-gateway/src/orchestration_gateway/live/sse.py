"""Server-sent events (WHATWG HTML, section 9.2), to clients that may be slow or gone."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import timedelta
from typing import Any, Final

from starlette.responses import StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from .feed import FeedEvent

RETRY_MS: Final = 1_000
"""After what time browsers connect again."""
CONNECTED: Final = f"retry: {RETRY_MS}\n: connected\n\n".encode()
BEAT: Final = b": waiting\n\n"


def message(event: FeedEvent) -> bytes:
    """Write an event; its position is its id, from which clients resume."""
    return f"id: {event.position}\nevent: {event.type}\ndata: {event.data}\n\n".encode()


def notice(kind: str, data: str) -> bytes:
    """Write what is no event of the feed; it has no id, so that clients resume from where they were."""
    return f"event: {kind}\ndata: {data}\n\n".encode()


class SseResponse(StreamingResponse):
    """An answer of server-sent events.

    Args:
        parts: What is sent.
        send_timeout: How long the client may take to accept a part; then the connection is closed.
    """

    media_type = "text/event-stream"

    def __init__(self, parts: AsyncGenerator[bytes], *, send_timeout: timedelta) -> None:
        super().__init__(parts, headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"})
        self._parts = parts
        self._send_timeout_s = send_timeout.total_seconds()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the parts until they end, the client leaves or stops reading, or the service stops.

        A service that stops cancels its streams. The answer is then brought to its proper end, so that the client sees a
        stream that ended, connects again and resumes, rather than one that broke.
        """
        begun = False

        async def in_time(part: Message) -> None:
            nonlocal begun
            async with asyncio.timeout(self._send_timeout_s):
                await send(part)
            begun = True

        sending = asyncio.create_task(self.stream_response(in_time))
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
            await self._parts.aclose()
        if (
            not sending.cancelled()
            and (error := sending.exception()) is not None
            and not isinstance(error, TimeoutError)
        ):
            raise error


async def _cancelled(task: asyncio.Task[Any]) -> None:
    task.cancel()
    await asyncio.wait({task})
