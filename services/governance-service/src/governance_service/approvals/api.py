"""Approvals over HTTP."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from urllib.parse import quote
from uuid import uuid4

from fastapi import APIRouter, Depends, Query, Request, Response

from governance_service.approvals.domain import Actor, Approval, Filter, Inbox, Status, Task
from governance_service.approvals.housekeeping import Housekeeper
from governance_service.approvals.signals import SignalQueue
from governance_service.approvals.views import (
    ApprovalRequest,
    ApprovalView,
    CommentRequest,
    DecideRequest,
    DelegateRequest,
)
from governance_service.callers import other_tenant
from governance_service.clock import Clock
from governance_service.errors import in_http_terms
from maestro_core_api import ForbiddenException, Page, Paging, Principal, ValidationException, paging, require_role
from maestro_core_logging import get_logger

_logger = get_logger(__name__)
_PLATFORM_ROLES = ("viewer", "operator", "approver", "admin")
_EXPIRIES = {"expire": Status.EXPIRED, "approve": Status.APPROVED, "reject": Status.REJECTED}


@dataclass(frozen=True, slots=True)
class Approvals:
    """What requests find in `request.state.approvals`."""

    inbox: Inbox
    queue: SignalQueue
    housekeeper: Housekeeper
    clock: Clock


async def _approvals(request: Request) -> Approvals:
    approvals: Approvals = request.state.approvals
    return approvals


def _actor(principal: Principal, tenant: str | None = None) -> Actor:
    # A role includes the lower ones, and a task for a lower one is for whoever has a higher one too.
    held = {role for role in _PLATFORM_ROLES if principal.has_role(role)}
    actor = Actor(principal.subject, principal.roles | held, principal.tenant, tenant)
    if tenant is not None and (tenant or None) != actor.tenant and not (actor.is_admin and actor.tenant is None):
        raise other_tenant(principal, tenant)
    return actor


TheApprovals = Annotated[Approvals, Depends(_approvals)]
Viewer = Annotated[Principal, Depends(require_role("viewer"))]
Operator = Annotated[Principal, Depends(require_role("operator"))]
Approver = Annotated[Principal, Depends(require_role("approver"))]
OfTenant = Annotated[
    str | None,
    Query(
        alias="tenant",
        max_length=256,
        description="Whose approval is meant, where several tenants have one of this id; empty for the platform's own.",
    ),
]
ApprovalPaging = Annotated[Paging[tuple[datetime, str]], Depends(paging(tuple[datetime, str]))]
router = APIRouter(prefix="/approvals", tags=["approvals"], dependencies=[Depends(in_http_terms)])


@router.post("", status_code=201, responses={200: {"model": ApprovalView, "description": "It is there already"}})
async def ask(data: ApprovalRequest, caller: Operator, approvals: TheApprovals, response: Response) -> ApprovalView:
    """Ask for an approval (201). The same request with the same id again is the same approval (200)."""
    now = approvals.clock()
    if data.due_in_s is not None and data.due_at is not None:
        raise ValidationException(errors=[{"path": "body.due_at", "message": "give due_in_s or due_at, not both"}])
    task = Task(
        id=str(uuid4()) if data.id is None else data.id,
        tenant=_tenant(data, caller),
        title=data.title,
        requester=caller.subject,
        levels=data.levels(now),
        description=data.description,
        requested_by=data.requested_by,
        run_id=data.run_id,
        signal=data.signal,
        four_eyes=data.four_eyes,
        exclude_requester=data.exclude_requester,
        on_expiry=_EXPIRIES[data.on_expiry],
        context=data.context,
    )
    approval, created = await approvals.inbox.ask(task)
    response.status_code = 201 if created else 200
    response.headers["Location"] = f"/approvals/{quote(approval.task.id, safe='')}"
    if created:
        _logger.info("Approval requested", approval_id=task.id, run_id=task.run_id, tenant=task.tenant)
    return ApprovalView.of(approval, now)


@router.get("")
async def list_approvals(
    caller: Viewer,
    approvals: TheApprovals,
    page: ApprovalPaging,
    status: Annotated[Status | None, Query(description="Only those that stand so.")] = None,
    mine: Annotated[bool, Query(description="Only those that the caller may decide now.")] = False,
    run_id: Annotated[str | None, Query(description="Only those that this run waits for.")] = None,
    tenant: Annotated[str | None, Query(description="Only those of this tenant; for the platform's admins.")] = None,
) -> Page[ApprovalView]:
    """List approvals of the caller's tenant, the latest first; the platform's admins see those of all tenants."""
    actor = _actor(caller)
    sees_all = actor.is_admin and actor.tenant is None
    if tenant is not None and tenant != actor.tenant and not sees_all:
        raise other_tenant(caller, tenant)
    wanted = Filter(
        tenant=tenant or actor.tenant,
        all_tenants=sees_all and tenant is None,
        status=status,
        for_actor=actor if mine else None,
        run_id=run_id,
    )
    found = await approvals.inbox.select(wanted, after=page.after, limit=page.fetch)
    now = approvals.clock()
    shown = page.page(found, lambda one: (one.created_at, one.task.id))
    return Page(items=[ApprovalView.of(one, now) for one in shown.items], next_cursor=shown.next_cursor)


@router.get("/{approval_id}")
async def show(approval_id: str, caller: Viewer, approvals: TheApprovals, of_tenant: OfTenant = None) -> ApprovalView:
    """Show an approval, and how far its outcome has come on its way to the run that waits."""
    found = await approvals.inbox.find(approval_id, _actor(caller, of_tenant))
    delivery = await approvals.queue.delivery(approval_id, found.task.tenant)
    return ApprovalView.of(found, approvals.clock(), delivery)


@router.post("/{approval_id}/decide")
async def decide(
    approval_id: str, data: DecideRequest, caller: Approver, approvals: TheApprovals, of_tenant: OfTenant = None
) -> ApprovalView:
    """Approve or reject. Saying the same again changes nothing; 409 when it is settled, or one has said something else."""
    approval = await approvals.inbox.decide(approval_id, _actor(caller, of_tenant), data.decision, data.comment)
    return _changed(approval, approvals)


@router.post("/{approval_id}/claim")
async def claim(
    approval_id: str, caller: Approver, approvals: TheApprovals, of_tenant: OfTenant = None
) -> ApprovalView:
    """Say that one is at it: for a while nobody else can decide. Claiming again prolongs it."""
    return _changed(await approvals.inbox.claim(approval_id, _actor(caller, of_tenant)), approvals)


@router.delete("/{approval_id}/claim")
async def release(
    approval_id: str, caller: Approver, approvals: TheApprovals, of_tenant: OfTenant = None
) -> ApprovalView:
    """Give a claim back; admins may take it away."""
    return _changed(await approvals.inbox.release(approval_id, _actor(caller, of_tenant)), approvals)


@router.post("/{approval_id}/delegate")
async def delegate(
    approval_id: str, data: DelegateRequest, caller: Approver, approvals: TheApprovals, of_tenant: OfTenant = None
) -> ApprovalView:
    """Let somebody else decide instead."""
    approval = await approvals.inbox.delegate(approval_id, _actor(caller, of_tenant), data.to, data.comment)
    return _changed(approval, approvals)


@router.post("/{approval_id}/comments", status_code=201)
async def comment(
    approval_id: str, data: CommentRequest, caller: Operator, approvals: TheApprovals, of_tenant: OfTenant = None
) -> ApprovalView:
    """Write a comment: for those who ask for it, those who decide, and admins."""
    return _changed(await approvals.inbox.comment(approval_id, _actor(caller, of_tenant), data.text), approvals)


@router.post("/{approval_id}/cancel")
async def cancel(
    approval_id: str, caller: Operator, approvals: TheApprovals, of_tenant: OfTenant = None
) -> ApprovalView:
    """Take it back: for the one who asked for it, and admins. The run that waits is told."""
    return _changed(await approvals.inbox.cancel(approval_id, _actor(caller, of_tenant)), approvals)


def _changed(approval: Approval, approvals: Approvals) -> ApprovalView:
    if not approval.is_open:
        approvals.housekeeper.note_settled()
        _logger.info("Approval settled", approval_id=approval.task.id, status=approval.status)
    return ApprovalView.of(approval, approvals.clock())


def _tenant(data: ApprovalRequest, caller: Principal) -> str | None:
    if caller.tenant is None:
        return data.tenant
    if data.tenant not in {None, caller.tenant}:
        raise other_tenant(caller, str(data.tenant))
    if data.run_id is not None:
        # The signal is sent with the rights of this service, which reach the runs of every tenant.
        raise ForbiddenException(
            "A tenant's caller cannot have a run signalled",
            detail=f"{caller.subject} is of the tenant {caller.tenant}; let the workflow itself ask for the approval",
            error_code="RUN_NOT_ALLOWED",
            rule="no-tenant",
        )
    return caller.tenant
