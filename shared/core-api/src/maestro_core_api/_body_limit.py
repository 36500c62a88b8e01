"""A limit for request bodies, so that no caller can fill the memory."""

from typing import Final

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ._problem import problem_response, status_error

_TOO_LARGE: Final = 413
_DISCARDED_LIMITS: Final = 8
"""How much of a body that is too large is read and thrown away, in multiples of the limit."""


class BodyLimit:
    """ASGI layer that refuses bodies beyond a limit.

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
        if announced is None:
            await self._app(scope, self._counted(receive), send)
        elif announced <= self._max_bytes:
            await self._app(scope, receive, send)
        else:
            await self._discard(receive)
            await problem_response(status_error(_TOO_LARGE, detail=self._detail), scope)(scope, receive, send)

    def _counted(self, receive: Receive) -> Receive:
        seen = 0

        async def count() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > self._max_bytes:
                if message.get("more_body", False):
                    await self._discard(receive)
                # FastAPI lets this class through while it reads a body, and turns any other exception into a 400. The
                # connection cannot be used again: what is left of the body may stand in it.
                raise HTTPException(_TOO_LARGE, self._detail, headers={"Connection": "close"})
            return message

        return count

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
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value) if value.isdigit() else None
    return None
