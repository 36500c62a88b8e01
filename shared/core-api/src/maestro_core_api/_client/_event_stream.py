"""Reading server-sent events, also over connections that break."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import Any, Final

import httpx2

from maestro_core_api._events import StreamEvent
from maestro_core_api._exceptions import APIException

from ._call import Headers
from ._config import RetryConfig
from ._retrying import is_worth_retrying, pause_before_retry

_LONGEST_ASKED_PAUSE: Final = timedelta(minutes=1)
Open = Callable[..., AbstractAsyncContextManager[httpx2.Response]]


class EventStream:
    """Reads event streams (WHATWG HTML, section 9.2).

    Args:
        stream: Opens an answer to be read in pieces.
        retry: Pauses before a stream is opened again.
        sleep: Waits some seconds.
    """

    def __init__(
        self, stream: Open, retry: RetryConfig, *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self._stream = stream
        self._retry = retry
        self._sleep = sleep

    async def read(
        self, url: str, *, method: str, headers: Headers | None, reconnects: int, **options: Any
    ) -> AsyncGenerator[StreamEvent]:
        """Read events; see `APIClient.stream_events`."""
        sent = httpx2.Headers({"accept": "text/event-stream", "cache-control": "no-cache"})
        sent.update(headers or {})
        reading = _Reading(sent)
        while True:
            try:
                async with self._stream(method, url, headers=dict(sent), **options) as response:
                    async for event in httpx2.EventSource(response):
                        reading.note(event)
                        yield StreamEvent(event.id or None, event.event, event.data)
                    return
            except APIException as error:
                pause = reading.pause(error, reconnects, self._retry)
                if pause is None:
                    raise
            await self._sleep(pause.total_seconds())


class _Reading:
    """Where a stream stands."""

    def __init__(self, headers: httpx2.Headers) -> None:
        self._headers = headers
        self._can_resume = True
        self._in_a_row = 0
        self._asked_pause: timedelta | None = None

    def note(self, event: httpx2.ServerSentEvent) -> None:
        self._in_a_row = 0
        if event.retry is not None:
            self._asked_pause = min(timedelta(milliseconds=event.retry), _LONGEST_ASKED_PAUSE)
        if event.id:
            self._can_resume = True
            self._headers["last-event-id"] = event.id
        else:
            self._can_resume = False

    def pause(self, error: APIException, reconnects: int, retry: RetryConfig) -> timedelta | None:
        if not self._can_resume or self._in_a_row >= reconnects or not is_worth_retrying(error):
            return None
        pause = pause_before_retry(self._in_a_row, error, retry)
        self._in_a_row += 1
        return pause if pause is None or self._asked_pause is None else max(pause, self._asked_pause)
