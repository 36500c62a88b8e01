"""HTTP in and out of API keys."""

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Annotated, Any, Self

from fastapi import APIRouter, Depends
from pydantic import Field

from governance_service.errors import in_http_terms
from governance_service.identity.api_keys import KeyRecord
from maestro_core_api import Page, Paging, paging

from ._shared import Body, Caller, TheIdentity


class KeyRequest(Body):
    """A new key."""

    title: str = Field(max_length=256)
    """What it is for."""
    machine: str | None = Field(default=None, max_length=256)
    """The machine that it speaks for; the caller when absent."""
    tenant: str | None = Field(default=None, max_length=64)
    """The machine's tenant; the caller's own when absent."""
    roles: list[str] = Field(default_factory=lambda: ["viewer"], max_length=64)
    """Its roles."""
    scopes: list[str] = Field(default_factory=list, max_length=64)
    """Its scopes."""
    expires_in_s: int = Field(default=90 * 86_400, ge=1, le=365 * 86_400)
    """How long it is valid, in seconds. Default: 90 days."""


class KeyView(Body):
    """A key, without its secret."""

    id: str
    title: str
    subject: str
    tenant: str | None
    roles: list[str]
    scopes: list[str]
    created_by: str
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    last_used_at: datetime | None

    @classmethod
    def of(cls, record: KeyRecord) -> Self:
        """Show a key.

        Args:
            record: What is shown of it.
        """
        return cls(**_shown(record))


class NewKeyView(KeyView):
    """A key that was just made."""

    api_key: str
    """The key itself, shown this once."""


KeyPaging = Annotated[Paging[str], Depends(paging(str, default=50, most=200))]
router = APIRouter(prefix="/api-keys", tags=["API keys"], dependencies=[Depends(in_http_terms)])


@router.post("", status_code=201)
async def create_key(data: KeyRequest, caller: Caller, identity: TheIdentity) -> NewKeyView:
    """Make a key for the caller's own programs, or for a machine that the caller administers."""
    key, record = await identity.api_keys.create(
        caller,
        data.title,
        machine=data.machine,
        tenant=data.tenant,
        roles=data.roles,
        scopes=data.scopes,
        expires_in=timedelta(seconds=data.expires_in_s),
    )
    return NewKeyView(**_shown(record), api_key=key)


@router.get("")
async def list_keys(caller: Caller, identity: TheIdentity, paging: KeyPaging) -> Page[KeyView]:
    """List keys: one's own, and those that one administers."""
    found = await identity.api_keys.listed(caller, after=paging.after, limit=paging.fetch)
    return paging.page([KeyView.of(record) for record in found], lambda key: key.id)


@router.delete("/{key_id}")
async def revoke_key(key_id: str, caller: Caller, identity: TheIdentity) -> KeyView:
    """Take a key back."""
    return KeyView.of(await identity.api_keys.revoke(caller, key_id))


def _shown(record: KeyRecord) -> dict[str, Any]:
    fields = asdict(record)
    return {"id": fields.pop("key_id"), **fields, "roles": sorted(record.roles), "scopes": sorted(record.scopes)}
