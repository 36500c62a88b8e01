"""HTTP in and out: what was used, and what may be."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel

from intelligence_service.budgets.domain import UsageStore, Window, WindowUsage
from intelligence_service.budgets.metered import Meter
from intelligence_service.tenancy import Tenant
from maestro_core_api import require_role

router = APIRouter(prefix="/usage")


class UsageView(BaseModel):
    """What was used in one window."""

    window: Window
    starts_at: datetime
    calls: int
    input_tokens: int
    output_tokens: int
    cost_micros: int
    """Millionths of a unit of the currency."""


class BudgetView(BaseModel):
    """What may be used in one window."""

    window: Window
    ends_at: datetime
    tokens: int | None
    """Most tokens; null: any number."""
    tokens_left: int | None
    cost_micros: int | None
    cost_micros_left: int | None


class PresentUsage(BaseModel):
    """The caller's tenant, now."""

    usage: list[UsageView]
    """Hour, day and month, UTC."""
    budgets: list[BudgetView]


async def _store(request: Request) -> UsageStore:
    store: UsageStore = request.state.usage
    return store


async def _meter(request: Request) -> Meter:
    meter: Meter = request.state.meter
    return meter


@router.get("", dependencies=[Depends(require_role("viewer"))])
async def show_usage(
    store: Annotated[UsageStore, Depends(_store)], meter: Annotated[Meter, Depends(_meter)], tenant: Tenant
) -> PresentUsage:
    """Show what the caller's tenant has used of models in the present windows, and what is left.

    Args:
        store: Filled in by FastAPI.
        meter: Filled in by FastAPI.
        tenant: Filled in by FastAPI.

    Returns:
        Usage and budgets.
    """
    now = datetime.now(UTC)
    used = {each.window: each for each in await store.usage(tenant, now)}
    budgets = [
        BudgetView(
            window=budget.window,
            ends_at=budget.window.end(now),
            tokens=budget.tokens,
            tokens_left=None if budget.tokens is None else max(0, budget.tokens - used[budget.window].tokens),
            cost_micros=budget.cost_micros,
            cost_micros_left=None
            if budget.cost_micros is None
            else max(0, budget.cost_micros - used[budget.window].cost_micros),
        )
        for budget in meter.budgets(tenant)
    ]
    return PresentUsage(usage=[_view(each) for each in used.values()], budgets=budgets)


@router.get("/{window}", dependencies=[Depends(require_role("viewer"))])
async def usage_history(
    window: Window,
    store: Annotated[UsageStore, Depends(_store)],
    tenant: Tenant,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
) -> dict[str, list[UsageView]]:
    """List the windows in which the caller's tenant used models, the newest first.

    Args:
        window: `hour`, `day` or `month`.
        store: Filled in by FastAPI.
        tenant: Filled in by FastAPI.
        limit: Most of them.

    Returns:
        `usage`.
    """
    return {"usage": [_view(each) for each in await store.history(tenant, window, limit)]}


def _view(used: WindowUsage) -> UsageView:
    return UsageView(
        window=used.window,
        starts_at=used.starts_at,
        calls=used.calls,
        input_tokens=used.input_tokens,
        output_tokens=used.output_tokens,
        cost_micros=used.cost_micros,
    )
