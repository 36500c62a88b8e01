"""Rate limits that hold for every request, and `limit_rate` for single endpoints."""

from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ._denial_counter import DenialCounter
from ._exceptions import APIException
from ._problem import problem_response
from ._rate_limit import RateLimit
from ._rate_limiter import Headers, RateLimiter
from ._request_info import request_info
from ._routes import route_template, selected_template

_TRY_AGAIN_LATER: Final = 1013
_LIMIT: Final = "__maestro_rate_limit__"


class RateLimitLayer:
    """ASGI layer that asks limits before a request goes further in.

    There are two in a service. The outer one has the limits by address and stands before authentication, so that nobody can try
    out tokens and keys without end; the inner one has those that need to know the caller.

    Args:
        app: The next layer.
        limiter: Asks the limits.
        limits: The limits.
        routes: The application's routes; the list may grow.
        open_paths: Paths outside of all limits.
        denials: Counts refusals; None where a layer around this one does.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        limiter: RateLimiter,
        limits: Sequence[RateLimit],
        routes: Sequence[BaseRoute],
        open_paths: frozenset[str],
        denials: DenialCounter | None = None,
    ) -> None:
        self._app = app
        self._limiter = limiter
        self._limits = limits
        self._routes = routes
        self._open_paths = open_paths
        self._denials = denials
        self._by_route = any("route" in limit.by for limit in limits)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or scope["path"] in self._open_paths:
            await self._app(scope, receive, send)
            return
        route = selected_template(self._routes, scope) if self._by_route else ""
        try:
            headers = await self._limiter.admit(self._limits, scope, route)
        except APIException as denial:
            await self._refuse(denial, scope, receive, send)
            return
        await self._app(scope, receive, _with_headers(send, headers) if headers else send)

    async def _refuse(self, denial: APIException, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            request_info(scope).rule = denial.extra.get("rule")
            await send({"type": "websocket.close", "code": _TRY_AGAIN_LATER, "reason": denial.error_code})
        else:
            await problem_response(denial, scope)(scope, receive, send)
        if self._denials is not None:
            self._denials.count(str(denial.extra.get("rule")))


def limit_rate(limit: RateLimit) -> Callable[[Request, Response], Coroutine[Any, Any, None]]:
    """Make a dependency that limits an endpoint, or all endpoints of a router together.

    Example:
        @app.post("/exports", dependencies=[Depends(limit_rate(RateLimit(rule="exports", limit=5)))])
        async def export() -> None: ...

    Args:
        limit: The limit; endpoints with limits of the same rule share it, unless it is `by` route.

    Returns:
        The dependency; it answers 429 with `rule`, `limit` and `retry_after` when the limit is reached.
    """

    async def check_rate(request: Request, response: Response) -> None:
        limiter = request.app.protection.rate_limiter
        assert isinstance(limiter, RateLimiter)
        for name, value in await limiter.admit((limit,), request.scope, route_template(request.scope)):
            response.headers.append(name, value)

    setattr(check_rate, _LIMIT, limit)
    return check_rate


async def count_for(app: Any, limit: RateLimit, whose: str) -> Headers:
    """Count something against a limit for somebody who is named: a tenant, whose messages come from anywhere.

    Example:
        await count_for(request.app, RateLimit(rule="starts-per-tenant", limit=100), tenant)

    Args:
        app: The `MaestroAPI`; with `valkey_url` all its processes count together.
        limit: The limit; its `by` says nothing here.
        whose: On whose account it goes.

    Returns:
        Headers that tell where it stands.

    Raises:
        TooManyRequestsException: The limit is reached; with `rule`, `limit` and `retry_after`.
        ServiceUnavailableException: Valkey is away, and nothing is let through uncounted.
    """
    limiter = app.protection.rate_limiter
    assert isinstance(limiter, RateLimiter)
    return await limiter.admit_for((limit,), whose)


def rate_limit_of(dependency: object) -> RateLimit | None:
    """Return the limit that a dependency asks.

    Args:
        dependency: A dependency of an endpoint.

    Returns:
        The limit; None unless `limit_rate` made it.
    """
    limit = getattr(dependency, _LIMIT, None)
    return limit if isinstance(limit, RateLimit) else None


def _with_headers(send: Send, headers: Headers) -> Send:
    encoded = [(name.lower().encode("ascii"), value.encode("ascii")) for name, value in headers]

    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), *encoded]}
        await send(message)

    return send_with_headers
