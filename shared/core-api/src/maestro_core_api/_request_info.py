"""What the framework knows about the request in hand; one object, shared by all layers through the ASGI scope."""

import time
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Final

from starlette.types import Scope

from ._principal import Principal

_SCOPE_KEY: Final = "maestro"


@dataclass(slots=True)
class RequestInfo:
    """Notes about one request."""

    request_id: str = ""
    """Id of the request: the caller's, or a new one."""
    principal: Principal | None = None
    """Who calls; None for anonymous calls to open endpoints."""
    error_code: str | None = None
    """Code of the error that was answered; None when none was."""
    head: Mapping[bytes, bytes] | None = None
    """Headers of the request by name, in lower case; None when the framework's pipeline did not see the request."""
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
