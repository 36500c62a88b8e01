"""The gate in front of all routes: without a valid token, only endpoints marked `public` are reached."""

from collections.abc import Sequence

from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from ._access import is_public
from ._exceptions import UnauthorizedException
from ._problem import problem_response
from ._request_info import request_info
from ._routes import selected_endpoint
from ._tokens import TokenVerifier

_POLICY_VIOLATION = 1008


class AuthGuard:
    """ASGI layer that authenticates every request before its body is read.

    It stands before routing and so also covers mounted applications, plain Starlette routes, WebSockets and paths that
    do not exist: a caller without a token does not learn which paths there are.

    Args:
        app: The next layer.
        verifier: Checks tokens.
        routes: The application's routes; the list may grow.
        open_paths: Paths that need no token, known by name.
    """

    def __init__(
        self, app: ASGIApp, *, verifier: TokenVerifier, routes: Sequence[BaseRoute], open_paths: frozenset[str]
    ) -> None:
        self._app = app
        self._verifier = verifier
        self._routes = routes
        self._open_paths = open_paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or scope["path"] in self._open_paths:
            await self._app(scope, receive, send)
            return
        try:
            request_info(scope).principal = self._verifier.authenticate(_authorization(scope))
        except UnauthorizedException as denial:
            # The route is looked up only now: callers with a token, the many, do not pay for it.
            if not is_public(selected_endpoint(self._routes, scope)):
                await _deny(denial, scope, receive, send)
                return
        await self._app(scope, receive, send)


async def _deny(denial: UnauthorizedException, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": _POLICY_VIOLATION, "reason": denial.error_code})
        return
    await problem_response(denial, scope)(scope, receive, send)


def _authorization(scope: Scope) -> str | None:
    for name, value in scope["headers"]:
        if name == b"authorization":
            return bytes(value).decode("latin-1")
    return None
