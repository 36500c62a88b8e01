"""Holds an answer back until it is kept."""

from collections.abc import Awaitable, Callable
from typing import Final

from starlette.types import Message, Send

from ._idempotency import Answer

# What belongs to one exchange, or to one caller's session, is not sent again.
_NOT_KEPT: Final = frozenset(
    {
        b"connection",
        b"date",
        b"ratelimit",
        b"ratelimit-policy",
        b"server",
        b"set-cookie",
        b"transfer-encoding",
        b"x-request-id",
    }
)


class AnswerRecorder:
    """A `send` that holds an answer back until it is complete and kept, so that whoever got it can rely on getting it again.

    An answer that is too large, or an event stream, is sent as it comes and not kept.

    Args:
        send: Where the answer goes.
        max_bytes: Largest body that is kept.
        keep: Keeps the answer; None stands for one that is too large.
    """

    def __init__(self, send: Send, *, max_bytes: int, keep: Callable[[int, Answer | None], Awaitable[None]]) -> None:
        self._send = send
        self._max_bytes = max_bytes
        self._keep = keep
        self._start: Message | None = None
        self._body = bytearray()
        self._passing = False

    async def send(self, message: Message) -> None:
        """Take a part of the answer.

        Args:
            message: The part, as ASGI has it.
        """
        kind = message["type"]
        if kind == "http.response.start":
            self._start = message
            self._passing = _is_stream(message)
            if self._passing:
                await self._send(message)
        elif kind == "http.response.body" and self._start is not None and not self._passing:
            await self._hold(self._start, message)
        else:
            await self._pass_on(kind, message)

    async def _hold(self, start: Message, message: Message) -> None:
        self._body += message.get("body", b"")
        last = not message.get("more_body", False)
        too_large = len(self._body) > self._max_bytes
        if not last and not too_large:
            return
        if last:
            await self._keep(start["status"], None if too_large else self._answer(start))
        self._passing = True
        await self._send(start)
        await self._send({**message, "body": bytes(self._body)})
        self._body.clear()

    async def _pass_on(self, kind: str, message: Message) -> None:
        # What is not held back: the rest of a large answer, a file that the server sends by itself, early hints.
        if self._start is not None:
            file = kind == "http.response.pathsend"
            if file or (kind == "http.response.body" and not message.get("more_body", False)):
                await self._keep(self._start["status"], None)
            if not self._passing:
                self._passing = True
                await self._send(self._start)
        await self._send(message)

    def _answer(self, start: Message) -> Answer:
        headers = tuple(
            (bytes(name), bytes(value))
            for name, value in start.get("headers", ())
            if bytes(name).lower() not in _NOT_KEPT
        )
        return Answer(start["status"], headers, bytes(self._body))


def _is_stream(start: Message) -> bool:
    return any(
        bytes(name).lower() == b"content-type" and bytes(value).startswith(b"text/event-stream")
        for name, value in start.get("headers", ())
    )
