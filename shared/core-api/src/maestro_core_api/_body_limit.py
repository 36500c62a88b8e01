"""A limit for request bodies, so that no caller can fill the memory."""

from typing import Final

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ._problem import problem_response, status_error

_TOO_LARGE: Final = 413


class BodyLimit:
    """ASGI layer that refuses bodies beyond a limit.

    A body that announces its length is refused unread; any other is counted while it is read.

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
            await problem_response(status_error(_TOO_LARGE, detail=self._detail), scope)(scope, receive, send)

    def _counted(self, receive: Receive) -> Receive:
        seen = 0

        async def count() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > self._max_bytes:
                # FastAPI lets this class through while it reads a body, and turns any other exception into a 400.
                raise HTTPException(_TOO_LARGE, self._detail)
            return message

        return count

    @property
    def _detail(self) -> str:
        return f"the body may have at most {self._max_bytes} bytes"


def _announced_length(scope: Scope) -> int | None:
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value) if value.isdigit() else None
    return None
