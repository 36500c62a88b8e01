"""HTTP in and out of the audit trail."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal, Self

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncSession

from governance_service.callers import PlatformAdmin, ServiceCaller
from governance_service.errors import in_http_terms
from maestro_core_api import Page, Paging, Principal, paging, require_role

from .domain import AuditEntry, AuditRecord, NoCheckpointError, Verdict
from .errors import UnreadableCheckpointsException
from .opening import Audit
from .storage import AuditFilter

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class RecordRequest(BaseModel):
    """What a service says."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    id: str | None = None
    """An id of the service's own: sent again it is the same entry."""
    actor: str
    """Who did it."""
    action: str
    """What was done, as `<subject>.<verb>`."""
    resource: str
    """To what."""
    outcome: Literal["success", "denied", "failure"] = "success"
    """How it ended."""
    tenant: str | None = None
    """The tenant that it belongs to."""
    trace_id: str | None = None
    """Its trace; that of this request when absent."""
    occurred_at: AwareDatetime | None = None
    """When it happened, by the service's clock."""
    details: dict[str, Any] = Field(default_factory=dict)
    """Whatever else should be known, without secrets; at most 16 KiB."""


class EntryView(BaseModel):
    """An entry of the trail."""

    position: int
    id: str
    time: datetime
    occurred_at: datetime
    service: str
    actor: str
    action: str
    resource: str
    outcome: str
    tenant: str | None
    trace_id: str | None
    details: dict[str, Any]
    previous_hash: str
    hash: str

    @classmethod
    def of(cls, entry: AuditEntry) -> Self:
        """Show an entry.

        Args:
            entry: The entry.

        Returns:
            What callers see of it. Details that somebody has made unreadable are shown as they are.
        """
        try:
            details = json.loads(entry.details_json)
        except ValueError:
            details = None
        return cls(
            position=entry.position,
            id=entry.entry_id,
            time=entry.time,
            occurred_at=_EPOCH + timedelta(microseconds=entry.occurred_us),
            service=entry.service,
            actor=entry.actor,
            action=entry.action,
            resource=entry.resource,
            outcome=entry.outcome,
            tenant=entry.tenant,
            trace_id=entry.trace_id,
            details=details if isinstance(details, dict) else {"unreadable": entry.details_json},
            previous_hash=entry.previous_hash,
            hash=entry.hash,
        )


class BrokenView(BaseModel):
    """The first thing that is wrong with the trail."""

    fault: str
    position: int
    entry_id: str | None
    text: str


class VerdictView(BaseModel):
    """What verifying the trail has found."""

    intact: bool
    broken: BrokenView | None
    entries: int
    head: int
    head_hash: str
    anchored: int

    @classmethod
    def of(cls, verdict: Verdict) -> Self:
        """Show what was found.

        Args:
            verdict: What was found.
        """
        broken = verdict.broken
        return cls(
            intact=verdict.intact,
            broken=None
            if broken is None
            else BrokenView(fault=broken.fault, position=broken.position, entry_id=broken.entry_id, text=broken.text),
            entries=verdict.entries,
            head=verdict.head,
            head_hash=verdict.head_hash,
            anchored=verdict.anchored,
        )


class Wanted(BaseModel):
    """Which entries are meant."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    trace_id: str | None = None
    """Of this trace."""
    actor: str | None = None
    """Of this actor."""
    action: str | None = None
    """This action; with `*` at its end all that begin so."""
    resource: str | None = None
    """To this."""
    service: str | None = None
    """Told by this service."""
    outcome: str | None = None
    """That ended so."""
    tenant: str | None = None
    """Of this tenant; callers who belong to one see only theirs."""
    since: AwareDatetime | None = None
    """Recorded at this time or later."""
    until: AwareDatetime | None = None
    """Recorded before this time."""


async def _audit(request: Request) -> Audit:
    audit: Audit = request.state.audit
    return audit


TheAudit = Annotated[Audit, Depends(_audit)]
Auditor = Annotated[Principal, Depends(require_role("auditor"))]
EntryPaging = Annotated[Paging[int], Depends(paging(int, default=50, most=500))]
router = APIRouter(prefix="/audit", tags=["audit"], dependencies=[Depends(in_http_terms)])


@router.post("/entries", status_code=201, responses={200: {"model": EntryView}})
async def record(data: RecordRequest, caller: ServiceCaller, audit: TheAudit, response: Response) -> EntryView:
    """Record what a service says (201), once however often it says so (200). The answer comes when the entry is signed for."""
    said = AuditRecord(**data.model_dump(exclude={"id"}), service=caller.subject, entry_id=data.id)

    async def work(session: AsyncSession) -> tuple[AuditEntry, bool]:
        kept = await audit.trail.append_once(session, said)
        await session.commit()
        return kept

    entry, is_new = await audit.trail.recorded(work)
    if not is_new:
        response.status_code = 200
    return EntryView.of(entry)


@router.get("/entries")
async def list_entries(
    wanted: Annotated[Wanted, Query()], caller: Auditor, audit: TheAudit, paging: EntryPaging
) -> Page[EntryView]:
    """List entries, the newest first."""
    criteria = AuditFilter(**wanted.model_dump() | ({} if caller.tenant is None else {"tenant": caller.tenant}))
    found = await audit.store.search(criteria, before=paging.after, limit=paging.fetch)
    return paging.page([EntryView.of(entry) for entry in found], lambda entry: entry.position)


@router.get("/export")
async def export(_caller: PlatformAdmin, audit: TheAudit) -> StreamingResponse:
    """Write the whole trail as lines of JSON, with the checkpoints that vouch for it."""
    lines = audit.export.lines()
    # The first line is fetched here, so that what cannot be exported at all is answered as an error.
    try:
        first = await anext(lines)
    except NoCheckpointError as error:
        raise UnreadableCheckpointsException(detail="ask /audit/verification which line it is") from error

    async def rest() -> AsyncIterator[bytes]:
        yield first
        async for line in lines:
            yield line

    return StreamingResponse(rest(), media_type="application/jsonl")


@router.get("/verification")
async def verify(_caller: PlatformAdmin, audit: TheAudit) -> VerdictView:
    """Read the whole chain, and compare it with what was signed for."""
    return VerdictView.of(await audit.verifier.verify())


@router.get("/keys")
async def keys(_caller: Auditor, audit: TheAudit) -> dict[str, Any]:
    """Show the public keys of checkpoints, to be kept by whoever verifies elsewhere."""
    return audit.jwks()
