"""What the routers of identities share."""

from typing import Annotated

from fastapi import Depends, Request, Response
from pydantic import BaseModel, ConfigDict

from governance_service.identity.opening import Identity
from maestro_core_api import Principal, RateLimit, client_address, current_principal, limit_rate, require_role


class Body(BaseModel):
    """A request's body: nothing that is not known, and never repeated in an error, for it may hold a password."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True, hide_input_in_errors=True)


async def _identity(request: Request) -> Identity:
    identity: Identity = request.state.identity
    return identity


TheIdentity = Annotated[Identity, Depends(_identity)]


async def _limited(request: Request, response: Response, identity: TheIdentity) -> None:
    limit = RateLimit(rule="sign-in", limit=identity.config.sign_in_limit_per_minute, by=("address",))
    await limit_rate(limit)(request, response)


LIMITED = Depends(_limited)
"""Limits how often one address may ask to be let in, right or wrong."""
Caller = Annotated[Principal, Depends(current_principal)]
Administrator = Annotated[Principal, Depends(require_role("tenant-admin"))]
Address = Annotated[str, Depends(client_address)]
