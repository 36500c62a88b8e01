"""Who calls: a service of the platform, one of its operators, somebody of a tenant."""

from typing import Annotated

from fastapi import Depends, Request

from maestro_core_api import ForbiddenException, Principal, require_role


async def _service(request: Request, caller: Annotated[Principal, Depends(require_role("operator"))]) -> Principal:
    # Only services hold the platform's shared key; people and machines have tokens of this service's own.
    if caller.issuer != request.app.config.security.issuer or caller.key_id is not None:
        raise ForbiddenException(
            "Only services may do this",
            detail=f"{caller.subject} has no token of a service of the platform",
            error_code="SERVICE_TOKEN_REQUIRED",
            rule="service-token",
        )
    return caller


async def _platform_admin(caller: Annotated[Principal, Depends(require_role("admin"))]) -> Principal:
    if caller.tenant is not None:
        raise ForbiddenException(
            "Only the platform's own admins may do this",
            detail=f"{caller.subject} is of the tenant {caller.tenant}, and this concerns all tenants",
            error_code="PLATFORM_ADMIN_REQUIRED",
            rule="no-tenant",
        )
    return caller


ServiceCaller = Annotated[Principal, Depends(_service)]
"""A service of the platform."""
PlatformAdmin = Annotated[Principal, Depends(_platform_admin)]
"""An admin who belongs to no tenant."""


def other_tenant(caller: Principal, tenant: str) -> ForbiddenException:
    """Make the answer to a caller who means something of another tenant.

    Args:
        caller: Who calls.
        tenant: Whose it is; empty for the platform's own.

    Returns:
        403 with the code `OTHER_TENANT`.
    """
    return ForbiddenException(
        "It belongs to another tenant",
        detail=f"{caller.subject} is of {caller.tenant or 'no tenant'}, not of {tenant or 'no tenant'}",
        error_code="OTHER_TENANT",
        rule="tenant",
    )
