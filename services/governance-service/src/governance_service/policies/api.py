"""Policies over HTTP."""

import asyncio
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from governance_service.callers import PlatformAdmin, other_tenant
from governance_service.errors import in_http_terms
from governance_service.policies.domain import (
    CompiledPolicy,
    DecisionNotFoundError,
    PolicyBook,
    PolicyStore,
    read_question,
)
from governance_service.policies.views import (
    AppliedView,
    DecisionRequest,
    DecisionView,
    DryRunView,
    LoggedDecisionView,
    PoliciesView,
    PolicyDetailView,
    PolicyRequest,
    PolicyView,
    TestsView,
)
from maestro_core_api import (
    Page,
    Paging,
    Preconditions,
    Principal,
    etag,
    paging,
    preconditions,
    require_role,
)
from maestro_core_logging import get_logger
from maestro_core_monitoring import current_trace_id

_logger = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Policies:
    """What requests find in `request.state.policies`."""

    book: PolicyBook
    store: PolicyStore


async def _policies(request: Request) -> Policies:
    policies: Policies = request.state.policies
    return policies


ThePolicies = Annotated[Policies, Depends(_policies)]
Viewer = Annotated[Principal, Depends(require_role("viewer"))]
Operator = Annotated[Principal, Depends(require_role("operator"))]
DecisionPaging = Annotated[Paging[int], Depends(paging(int))]
router = APIRouter(dependencies=[Depends(in_http_terms)])


@router.get("/policies", tags=["policies"])
async def list_policies(_: Viewer, policies: ThePolicies) -> PoliciesView:
    """List the policies in force, by name."""
    return PoliciesView(policies=[PolicyView.of(version) for version in await policies.store.latest()])


@router.put("/policies/{name}", tags=["policies"], responses={201: {"model": AppliedView}})
async def apply(
    name: str,
    data: PolicyRequest,
    caller: PlatformAdmin,
    policies: ThePolicies,
    conditions: Annotated[Preconditions, Depends(preconditions)],
    response: Response,
    dry_run: Annotated[bool, Query(description="Change nothing: say what the latest decisions would be.")] = False,
) -> AppliedView:
    """Put a version of a policy in force (201); the same content again changes nothing (200).

    Its own tests have to pass. A dry run says how they go, and which of the latest decisions the version would take otherwise.
    """
    source = data.source()
    checked = await asyncio.to_thread(policies.book.check, name, source)
    tests = TestsView.of(checked)
    if dry_run:
        compared = DryRunView.of(await policies.book.dry_run(checked.policy))
        return AppliedView(name=name, version=None, created=False, dry_run=compared, tests=tests)
    current = await policies.store.current(name)
    seen = None
    if conditions.if_match is not None or conditions.if_none_match is not None:
        conditions.check(None if current is None else etag(current.version))
        seen = 0 if current is None else current.version
    version, created = await policies.book.apply(name, source, caller.subject, seen=seen, checked=checked)
    conditions.changed(etag(version.version))
    if created:
        response.status_code = 201
        _logger.info("Policy applied", policy=name, policy_version=version.version)
    return AppliedView(name=name, version=version.version, created=created, dry_run=None, tests=tests)


@router.get("/policies/{name}", tags=["policies"])
async def show(
    name: str,
    _: Viewer,
    policies: ThePolicies,
    conditions: Annotated[Preconditions, Depends(preconditions)],
) -> PolicyDetailView:
    """Show the version in force of a policy, and which versions there are."""
    found = await policies.book.find(name)
    conditions.check(etag(found.version))
    versions = [version.version for version in await policies.book.versions(name)]
    return PolicyDetailView.detailed(found, CompiledPolicy(name, found.source).rules, versions)


@router.get("/policies/{name}/{version}", tags=["policies"])
async def show_version(name: str, version: int, _: Viewer, policies: ThePolicies) -> PolicyDetailView:
    """Show a version of a policy."""
    found = await policies.book.find(name, version)
    versions = [one.version for one in await policies.book.versions(name)]
    return PolicyDetailView.detailed(found, CompiledPolicy(name, found.source).rules, versions)


@router.post("/policies/{name}/test", tags=["policies"])
async def run_tests(name: str, _: Operator, policies: ThePolicies, data: PolicyRequest | None = None) -> TestsView:
    """Run the tests of the version in force, or of one that is sent along; nothing is changed."""
    source = (await policies.book.find(name)).source if data is None else data.source()
    return TestsView.of(await asyncio.to_thread(policies.book.check, name, source))


@router.post("/decisions", tags=["decisions"])
async def decide(data: DecisionRequest, caller: Operator, policies: ThePolicies) -> DecisionView:
    """Ask a policy: allow, deny or needs_approval, and why. The decision goes into the log, unless it is a dry run."""
    question = data.model_dump(include={"principal", "action", "resource", "context", "entities"})
    decision = await policies.book.decide(
        data.policy,
        read_question(question),
        asked_by=caller.subject,
        tenant=_tenant(data.tenant, caller),
        trace_id=current_trace_id(),
        keep=not data.dry_run,
    )
    return DecisionView.of(decision, dry_run=data.dry_run)


@router.get("/decisions", tags=["decisions"])
async def list_decisions(
    caller: Operator,
    policies: ThePolicies,
    page: DecisionPaging,
    policy: Annotated[str | None, Query(description="Only those of this policy.")] = None,
) -> Page[LoggedDecisionView]:
    """List the latest decisions of the caller's tenant; the platform's admins see those of all tenants."""
    found = await policies.store.decisions(
        policy=policy, tenant=caller.tenant, all_tenants=_sees_all(caller), before=page.after, limit=page.fetch
    )
    shown = page.page(found, lambda one: one[0])
    items = [LoggedDecisionView.logged(decision) for _, decision in shown.items]
    return Page(items=items, next_cursor=shown.next_cursor)


@router.get("/decisions/{decision_id}", tags=["decisions"])
async def explain(decision_id: str, caller: Operator, policies: ThePolicies) -> LoggedDecisionView:
    """Show a decision of the log: what was asked, what was answered, and why."""
    found = await policies.store.decision(decision_id, caller.tenant, all_tenants=_sees_all(caller))
    if found is None:
        raise DecisionNotFoundError(decision_id)
    return LoggedDecisionView.logged(found)


def _sees_all(caller: Principal) -> bool:
    return caller.tenant is None and caller.has_role("admin")


def _tenant(wanted: str | None, caller: Principal) -> str | None:
    if caller.tenant is not None and wanted not in {None, caller.tenant}:
        raise other_tenant(caller, str(wanted))
    return wanted if caller.tenant is None else caller.tenant
