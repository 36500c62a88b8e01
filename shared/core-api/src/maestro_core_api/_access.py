"""What endpoints use to say who may call them: `public`, `current_principal`, `require_role`."""

from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

from starlette.requests import HTTPConnection

from ._exceptions import ForbiddenException, UnauthorizedException
from ._principal import Principal, sufficient_roles
from ._request_info import request_info

_MARK: Final = "__maestro_public__"
_Endpoint = TypeVar("_Endpoint", bound=Callable[..., Any])


def public(endpoint: _Endpoint) -> _Endpoint:
    """Open an endpoint to callers without a token.

    Everything that is not marked wants one.

    Example:
        @app.get("/about")
        @public
        async def about() -> dict[str, str]: ...

    Args:
        endpoint: The endpoint function.

    Returns:
        The same function, marked.
    """
    setattr(endpoint, _MARK, True)
    return endpoint


def is_public(endpoint: object) -> bool:
    """Tell whether an endpoint was opened with `public`.

    Args:
        endpoint: The endpoint function.

    Returns:
        True when it was.
    """
    return getattr(endpoint, _MARK, False) is True


async def current_principal(connection: HTTPConnection) -> Principal:
    """Give an endpoint its caller, as `principal: Principal = Depends(current_principal)`.

    Args:
        connection: Filled in by FastAPI.

    Returns:
        Whom the token speaks for.

    Raises:
        UnauthorizedException: The endpoint is public and this caller sent no valid token.
    """
    principal = request_info(connection.scope).principal
    if principal is None:
        raise UnauthorizedException(rule="bearer-token-present", headers={"WWW-Authenticate": "Bearer"})
    return principal


def require_role(role: str) -> Callable[[HTTPConnection], Coroutine[Any, Any, Principal]]:
    """Make a dependency that lets only callers with a role through.

    Use it for one endpoint (`dependencies=[Depends(require_role("operator"))]`), for a whole router in the same way,
    or as a parameter's default to get the caller too.

    Args:
        role: `viewer`, `operator`, `approver` or `admin` (each includes the ones before it), or a role of your own.

    Returns:
        The dependency; it answers 403 with `rule` and `required_roles` to other callers.
    """

    async def check_role(connection: HTTPConnection) -> Principal:
        principal = await current_principal(connection)
        if not principal.has_role(role):
            wanted = sufficient_roles(role)
            raise ForbiddenException(
                "A role is missing",
                detail=f"{principal.subject} has {_listed(principal.roles)}; this needs {' or '.join(wanted)}",
                error_code="ROLE_REQUIRED",
                rule=f"role:{role}",
                required_roles=list(wanted),
            )
        return principal

    return check_role


def _listed(roles: frozenset[str]) -> str:
    return ", ".join(sorted(roles)) or "no role"
