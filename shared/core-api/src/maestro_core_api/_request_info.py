"""What the framework knows about the request in hand; one object, shared by all layers through the ASGI scope."""

import time
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Final

from starlette.types import Scope

from ._principal import Principal

_SCOPE_KEY: Final = "maestro"


@dataclass(frozen=True, slots=True)
class IdempotentCall:
    """A request with an idempotency key."""

    key: str
    """The key, as the caller sent it."""
    attempt: int
    """Which attempt this is: above 1 when earlier ones failed, after having done nobody knows how much."""


@dataclass(slots=True)
class RequestBody:
    """How far the reading of a request's body is."""

    received_bytes: int = 0
    """How much has arrived."""
    began_at: float | None = None
    """When it was first waited for, by `time.perf_counter`; None before that."""
    is_awaited: bool = False
    """Whether somebody waits for more of it just now."""


@dataclass(slots=True)
class RequestInfo:
    """Notes about one request."""

    request_id: str = ""
    """Id of the request: the caller's, or a new one."""
    principal: Principal | None = None
    """Who calls; None for anonymous calls to open endpoints."""
    error_code: str | None = None
    """Code of the error that was answered; None when none was."""
    rule: str | None = None
    """Rule that refused the request; None when none did."""
    idempotency: IdempotentCall | None = None
    """The request's idempotency key, where its endpoint heeds one; else None."""
    status: int | None = None
    """HTTP status of the answer (101 or 403 of a WebSocket's handshake); None before it has begun."""
    body: "RequestBody | None" = None
    """The body as it is read; None when the request has none, or nobody reads it yet."""
    head: Mapping[bytes, bytes] | None = None
    """Headers of the request by name, in lower case; None when the framework's pipeline did not see the request."""
    route: str | None = None
    """Template of the route, where it is known without a search."""
    started_at: float = field(default_factory=time.perf_counter)
    """When it arrived, by `time.perf_counter`."""
    is_over: bool = False
    """Whether the application is done with it; what it left running in the background may still see it."""


current_request: ContextVar[RequestInfo | None] = ContextVar("maestro_current_request", default=None)
"""The request that the running task serves, so that calls to other services carry its id."""


def attach_request_info(scope: Scope, info: RequestInfo) -> None:
    """Put the notes into the scope.

    Args:
        scope: ASGI scope of the request.
        info: The notes.
    """
    scope[_SCOPE_KEY] = info


def request_info(scope: Scope) -> RequestInfo:
    """Return the notes about a request.

    Args:
        scope: ASGI scope of the request.

    Returns:
        The notes; empty ones when the framework's pipeline did not see the request.
    """
    info = scope.get(_SCOPE_KEY)
    if not isinstance(info, RequestInfo):
        info = scope[_SCOPE_KEY] = RequestInfo()
    return info
