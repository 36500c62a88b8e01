"""Limits for request bodies, so that no caller can fill the memory, or keep a request open for ever."""

import time
from typing import Final

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ._problem import problem_response, status_error
from ._request_info import RequestBody, request_info

_TOO_LARGE: Final = 413
_DISCARDED_LIMITS: Final = 8
"""How much of a body that is too large is read and thrown away, in multiples of the limit."""


class BodyLimit:
    """ASGI layer that refuses bodies beyond a limit, and notes how far the reading of the others is.

    A body that announces its length is refused at once; any other is counted while it is read. Either way some of what
    follows is read and thrown away: a client that is still sending would see a broken connection instead of the answer.

    Args:
        app: The next layer.
        max_bytes: Largest body that is let through.
    """

    def __init__(self, app: ASGIApp, *, max_bytes: int) -> None:
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        announced = _announced_length(scope)
        if announced == 0:
            await self._app(scope, receive, send)
        elif announced is None or announced <= self._max_bytes:
            await self._app(scope, self._noted(scope, receive), send)
        else:
            await self._discard(receive)
            await problem_response(status_error(_TOO_LARGE, detail=self._detail), scope)(scope, receive, send)

    def _noted(self, scope: Scope, receive: Receive) -> Receive:
        body = request_info(scope).body = RequestBody()

        async def note() -> Message:
            if body.began_at is None:
                body.began_at = time.perf_counter()
            body.is_awaited = True
            message = await receive()
            body.received_bytes += len(message.get("body", b""))
            # Once all of it is here, waiting is for the caller to hang up.
            body.is_awaited = False
            if not message.get("more_body", False):
                request_info(scope).body = None
            if body.received_bytes > self._max_bytes:
                if message.get("more_body", False):
                    await self._discard(receive)
                # FastAPI lets this class through while it reads a body, and turns any other exception into a 400. The
                # connection cannot be used again: what is left of the body may stand in it.
                raise HTTPException(_TOO_LARGE, self._detail, headers={"Connection": "close"})
            return message

        return note

    async def _discard(self, receive: Receive) -> None:
        left = _DISCARDED_LIMITS * self._max_bytes
        while left > 0:
            message = await receive()
            left -= len(message.get("body", b""))
            if not message.get("more_body", False):
                return

    @property
    def _detail(self) -> str:
        return f"the body may have at most {self._max_bytes} bytes"


def _announced_length(scope: Scope) -> int | None:
    """Return the length that the request's head announces; 0 when it says that there is no body, None when it does not say."""
    head = request_info(scope).head
    if head is None:
        head = dict(scope["headers"])
    length = head.get(b"content-length")
    if length is not None:
        return int(length) if length.isdigit() else None
    return None if b"transfer-encoding" in head or scope.get("http_version") not in ("1.1", "1.0") else 0
