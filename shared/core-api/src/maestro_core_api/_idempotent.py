"""What endpoints use to heed idempotency keys: `idempotent`, `idempotent_call`, `require_idempotency_key`."""

from collections.abc import Callable
from typing import Any, Final, TypeVar

from starlette.requests import Request

from ._exceptions import APIException
from ._request_info import IdempotentCall, request_info

_MARK: Final = "__maestro_idempotent__"
_Endpoint = TypeVar("_Endpoint", bound=Callable[..., Any])


def idempotent(endpoint: _Endpoint) -> _Endpoint:
    """Make an endpoint answer a request with an `Idempotency-Key` once.

    The same caller's same request with the same key gets the answer that was given the first time, with
    `Idempotency-Replayed: true`; another request with that key gets a 422, and one that comes while the first is being answered
    a 409 (draft-ietf-httpapi-idempotency-key-header-07). Requests without a key are answered as ever.

    Example:
        @app.post("/orders")
        @idempotent
        async def create(order: Order) -> Order: ...

    Args:
        endpoint: The endpoint function, of a route that changes something.

    Returns:
        The same function, marked.
    """
    setattr(endpoint, _MARK, True)
    return endpoint


def is_idempotent(endpoint: object) -> bool:
    """Tell whether an endpoint was marked with `idempotent`.

    Args:
        endpoint: The endpoint function.

    Returns:
        True when it was.
    """
    return getattr(endpoint, _MARK, False) is True


async def idempotent_call(request: Request) -> IdempotentCall | None:
    """Give an endpoint its caller's key, as `call: IdempotentCall | None = Depends(idempotent_call)`.

    Args:
        request: Filled in by FastAPI.

    Returns:
        The key, and which attempt this is; None when the caller sent none, or the endpoint is not marked with `idempotent`.
    """
    return request_info(request.scope).idempotency


async def require_idempotency_key(request: Request) -> IdempotentCall:
    """Refuse requests without a key, as `dependencies=[Depends(require_idempotency_key)]`.

    Args:
        request: Filled in by FastAPI.

    Returns:
        The key, and which attempt this is.

    Raises:
        APIException: 400 IDEMPOTENCY_KEY_REQUIRED; there is none.
    """
    call = request_info(request.scope).idempotency
    if call is None:
        raise APIException(
            "An idempotency key is required",
            detail="send a header 'Idempotency-Key' with a new UUID for each thing to do, and the same one when you try again",
            status_code=400,
            error_code="IDEMPOTENCY_KEY_REQUIRED",
            rule="idempotency-key-required",
        )
    return call
