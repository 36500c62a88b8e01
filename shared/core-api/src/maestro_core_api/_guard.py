"""The gate in front of all routes: unless a caller is recognised, only endpoints marked `public` are reached."""

from collections.abc import Sequence

from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from ._access import is_public
from ._authenticator import Authenticator
from ._denial_counter import DenialCounter
from ._exceptions import APIException, ServiceUnavailableException, UnauthorizedException
from ._problem import problem_response
from ._request_info import request_info
from ._routes import selected_endpoint

_POLICY_VIOLATION = 1008


class AuthGuard:
    """ASGI layer that authenticates every request before its body is read.

    It stands before routing and so also covers mounted applications, plain Starlette routes, WebSockets and paths that
    do not exist: a caller who is not recognised does not learn which paths there are.

    Args:
        app: The next layer.
        authenticator: Recognises callers.
        routes: The application's routes; the list may grow.
        open_paths: Paths that need no token, known by name.
        denials: Counts what was refused, here and further in; None counts nothing.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        authenticator: Authenticator,
        routes: Sequence[BaseRoute],
        open_paths: frozenset[str],
        denials: DenialCounter | None = None,
    ) -> None:
        self._app = app
        self._authenticator = authenticator
        self._routes = routes
        self._open_paths = open_paths
        self._denials = denials

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or scope["path"] in self._open_paths:
            await self._app(scope, receive, send)
            return
        info = request_info(scope)
        headers = scope["headers"]
        try:
            try:
                info.principal = self._authenticator.remembered(headers) or await self._authenticator.authenticate(
                    headers
                )
            except (UnauthorizedException, ServiceUnavailableException) as denial:
                # The route is looked up only now: callers with a token, the many, do not pay for it.
                if not is_public(selected_endpoint(self._routes, scope)):
                    await _deny(denial, scope, receive, send)
                    return
            await self._app(scope, receive, send)
        finally:
            if info.rule is not None and self._denials is not None:
                self._denials.count(info.rule)


async def _deny(denial: APIException, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        request_info(scope).rule = denial.extra.get("rule")
        await send({"type": "websocket.close", "code": _POLICY_VIOLATION, "reason": denial.error_code})
        return
    await problem_response(denial, scope)(scope, receive, send)
