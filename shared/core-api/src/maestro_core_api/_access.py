"""What endpoints use to say who may call them: `public`, `current_principal`, `require_role`, `require_scope`."""

import re
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from starlette.requests import HTTPConnection

from ._denials import scope_missing
from ._exceptions import ForbiddenException, UnauthorizedException
from ._principal import Principal, sufficient_roles
from ._request_info import request_info

_MARK: Final = "__maestro_public__"
_NEEDS: Final = "__maestro_needs__"
_SCOPE: Final = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")
"""A scope as RFC 6749, 3.3 spells it."""
_Endpoint = TypeVar("_Endpoint", bound=Callable[..., Any])
_Check = Callable[[HTTPConnection], Coroutine[Any, Any, Principal]]


@dataclass(frozen=True, slots=True)
class Needs:
    """What a dependency wants of a caller; the OpenAPI document tells it."""

    roles: tuple[str, ...] = ()
    """Roles of which one is needed."""
    scopes: tuple[str, ...] = ()
    """Scopes that are all needed."""


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


async def platform_caller(connection: HTTPConnection) -> Principal:
    """Let only callers of the platform itself through, and nobody of a tenant: for what concerns all tenants. A dependency.

    Args:
        connection: Filled in by FastAPI.

    Returns:
        The caller.

    Raises:
        UnauthorizedException: There is no caller.
        ForbiddenException: The caller belongs to a tenant.
    """
    principal = await current_principal(connection)
    if principal.tenant is not None:
        raise ForbiddenException(
            "Only the platform's own people may do this",
            detail=f"{principal.subject} is of the tenant {principal.tenant}, and this concerns all tenants",
            error_code="PLATFORM_CALLER_REQUIRED",
            rule="no-tenant",
        )
    return principal


def require_role(role: str) -> _Check:
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

    setattr(check_role, _NEEDS, Needs(roles=sufficient_roles(role)))
    return check_role


def require_scope(*scopes: str) -> _Check:
    """Make a dependency that lets only callers with scopes through; used like `require_role`.

    Args:
        *scopes: Scopes that the caller's token must all have (`orders:write`). No role stands in for them.

    Returns:
        The dependency; it answers 403 with `rule` and `required_scopes` to other callers, and challenges as RFC 6750 says.

    Raises:
        ValueError: No scope is named, or one cannot stand in a token.
    """
    if not scopes or not all(_SCOPE.fullmatch(scope) for scope in scopes):
        raise ValueError("name one scope or more, each of printable characters without blanks and quotes")

    async def check_scope(connection: HTTPConnection) -> Principal:
        principal = await current_principal(connection)
        if not principal.has_scopes(*scopes):
            missing = [scope for scope in scopes if scope not in principal.scopes]
            raise scope_missing(principal.subject, scopes, missing)
        return principal

    setattr(check_scope, _NEEDS, Needs(scopes=scopes))
    return check_scope


def needs_of(dependency: object) -> Needs:
    """Return what a dependency wants of a caller.

    Args:
        dependency: A dependency of an endpoint.

    Returns:
        What it wants; nothing unless `require_role` or `require_scope` made it.
    """
    needs = getattr(dependency, _NEEDS, None)
    return needs if isinstance(needs, Needs) else Needs()


def _listed(roles: frozenset[str]) -> str:
    return ", ".join(sorted(roles)) or "no role"
