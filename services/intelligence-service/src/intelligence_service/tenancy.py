"""Whose request it is."""

from typing import Annotated

from fastapi import Depends

from maestro_core_api import Principal, current_principal


async def tenant_of(principal: Annotated[Principal, Depends(current_principal)]) -> str:
    """Tell the caller's tenant, from its token or API key and from nothing that the request says.

    Args:
        principal: Filled in by FastAPI.

    Returns:
        The tenant; empty for callers without one, who share what is theirs. No token can name the empty tenant.
    """
    return principal.tenant or ""


Tenant = Annotated[str, Depends(tenant_of)]
"""The tenant, as an endpoint's parameter."""
