"""A limit for request bodies: nobody fills the memory."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_CONTENT_TOO_LARGE = 413
_DISCARDED_LIMITS = 8
"""How much of a body that is too large is read and thrown away, in multiples of the limit."""


class BodyLimit:
    """ASGI middleware that stops reading a body that is too large; the answer is 413.

    FastAPI's own limit answers in plain text; here the error is raised where the endpoint reads, so that the application
    answers it as it answers every error.

    Args:
        app: The next layer.
        max_bytes: The largest body that is read.
    """

    def __init__(self, app: ASGIApp, *, max_bytes: int) -> None:
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, its body counted."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        announced = _announced(scope)
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if max(received, announced) > self._max_bytes:
                await self._discard(message, receive)
                raise self._too_large()
            return message

        await self._app(scope, counted, send)

    async def _discard(self, message: Message, receive: Receive) -> None:
        """Read on for a while, because a client that is still sending would see a broken connection and no answer."""
        left = _DISCARDED_LIMITS * self._max_bytes
        while message.get("more_body", False) and left > 0:
            message = await receive()
            left -= len(message.get("body", b""))

    def _too_large(self) -> HTTPException:
        # An HTTPException, because FastAPI lets no other kind through while it reads a body. The connection cannot be used
        # again: what is left of the body may stand in it.
        message = f"at most {self._max_bytes} bytes are read; see max_request_bytes"
        return HTTPException(_CONTENT_TOO_LARGE, message, headers={"Connection": "close"})


def _announced(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return 0
