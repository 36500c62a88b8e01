"""Changes as server-sent events (WHATWG HTML, section 9.2)."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Final, Literal

from pydantic import BaseModel
from starlette.responses import StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from central_registry.domain import Change, ChangeLog
from central_registry.errors import TooManyWatchersException

Reason = Literal["start", "too_old", "restarted"]
"""Why a watcher gets all there is."""
HEARTBEAT: Final = timedelta(seconds=15)
"""The longest silence: proxies and clients tell a quiet registry from a dead connection."""


class Watchers:
    """Counts who watches, and takes no more than there is room for.

    Args:
        most: How many may watch at a time.

    Attributes:
        count: How many do.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self.count = 0

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Watch while the block runs.

        Yields:
            Nothing.
        """
        self.count += 1
        try:
            yield
        finally:
            self.count -= 1

    def check(self) -> None:
        """Refuse one more when there is no room.

        Raises:
            TooManyWatchersException: There are enough.
        """
        if self.count >= self._most:
            raise TooManyWatchersException(limit=self._most, retry_after=1)


class WatchStream(StreamingResponse):
    """An event stream that ends properly when the service stops, so that watchers connect again and resume.

    Args:
        messages: The stream's pieces.
    """

    media_type = "text/event-stream"

    def __init__(self, messages: AsyncIterator[bytes]) -> None:
        super().__init__(messages, headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the pieces until they end, the client leaves or the service stops."""
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


class ChangeMessages:
    """Writes a change log as messages.

    Args:
        log: The log.
        reset: Shows all there is, for a reason.
        show: Shows a change; None for one that this watcher is not concerned with.
        ending: Set once the service is about to stop.
        heartbeat: The longest silence.
    """

    def __init__(
        self,
        log: ChangeLog,
        *,
        reset: Callable[[Reason], BaseModel],
        show: Callable[[Change], BaseModel | None],
        ending: asyncio.Event,
        heartbeat: timedelta = HEARTBEAT,
    ) -> None:
        self._log = log
        self._reset = reset
        self._show = show
        self._ending = ending
        self._heartbeat = heartbeat

    async def since(self, last_event_id: str | None) -> AsyncIterator[bytes]:
        """Write what came after an event, and what comes.

        Args:
            last_event_id: The last event that the watcher has; None for none.

        Yields:
            Messages and comments, until the service is about to stop.
        """
        yield b": connected\n\n"  # so that the head of the answer goes out at once
        position, reason = self._place(last_event_id)
        while not self._ending.is_set():
            changes = None if reason is not None else self._log.since(position)
            if changes is None:
                position = self._log.position
                yield self._message("reset", position, self._reset(reason or "too_old"))
                reason = None
                continue
            for change in changes:
                if (view := self._show(change)) is not None:
                    yield self._message(change.kind.value, change.position, view)
            position += len(changes)
            if not changes:
                async for comment in self._quiet(position):
                    yield comment

    async def _quiet(self, position: int) -> AsyncIterator[bytes]:
        awaited = {asyncio.ensure_future(self._log.wait(position)), asyncio.ensure_future(self._ending.wait())}
        silence_s = self._heartbeat.total_seconds()
        try:
            while not (await asyncio.wait(awaited, timeout=silence_s, return_when=asyncio.FIRST_COMPLETED))[0]:
                yield b": waiting\n\n"
        finally:
            for each in awaited:
                await _cancelled(each)

    def _place(self, last_event_id: str | None) -> tuple[int, Reason | None]:
        if last_event_id is None:
            return 0, "start"
        epoch, _, place = last_event_id.rpartition("-")
        if epoch != self._log.epoch or not place.isascii() or not place.isdigit() or len(place) > 18:
            return 0, "restarted"
        return int(place), None

    def _message(self, kind: str, position: int, view: BaseModel) -> bytes:
        # JSON holds no raw line break, so that one data line is enough.
        data = json.dumps(view.model_dump(mode="json"), ensure_ascii=False, separators=(",", ":"))
        return f"id: {self._log.epoch}-{position}\nevent: {kind}\ndata: {data}\n\n".encode()


async def _cancelled(task: "asyncio.Task[object]") -> None:
    task.cancel()
    await asyncio.wait({task})
