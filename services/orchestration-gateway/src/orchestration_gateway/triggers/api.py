"""Triggers and their deliveries over HTTP."""

from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from maestro_core_api import Paging, Preconditions, TooManyRequestsException, etag, paging, preconditions
from orchestration_gateway.errors import answered
from orchestration_gateway.state import ADMIN, OPERATOR, VIEWER, Admin, Operator, TheState, Viewer

from .declaration import Declaration
from .delivery import Delivery, DeliveryStatus
from .errors import MappingError, ReplayRefusedError, TriggerNotFoundError
from .trigger import Trigger
from .views import DeclaredView, DeliveryDetail, DeliveryList, DeliveryView, TriggerList, TriggerView

router = APIRouter(tags=["triggers"], dependencies=[VIEWER])
Name = Annotated[str, Path(description="The trigger's name, a DNS label.", examples=["shop-orders"])]
Conditions = Annotated[Preconditions, Depends(preconditions)]
_MOST_AT_ONCE = 500
_NAME = r"^[a-z0-9-]{1,63}$"


class RotateRequest(BaseModel):
    """How keys are rotated."""

    model_config = ConfigDict(extra="forbid")

    overlap_s: float = Field(default=86_400, ge=0, le=2_592_000)
    """How long the old keys are accepted besides the new one, in seconds. Default: a day."""


class ReplayedView(BaseModel):
    """What came of replaying the dead deliveries of a trigger."""

    replayed: int
    failed: int
    """How many are dead still."""


@router.get("/triggers")
async def list_triggers(state: TheState, caller: Viewer) -> TriggerList:
    """List the triggers, those of the caller's tenant where it has one."""
    with answered():
        found = await state.triggers.listing(caller.tenant)
        return TriggerList(triggers=[await _view(state, trigger) for trigger in found])


@router.get("/triggers/{name}")
async def show_trigger(name: Name, state: TheState, caller: Viewer, conditions: Conditions) -> TriggerView:
    """Show a trigger. Its keys are never shown."""
    with answered():
        trigger = await state.triggers.visible(name, caller.tenant)
        view = await _view(state, trigger)
    conditions.check(etag(f"{trigger.revision}-{int(view.schedule is not None and view.schedule.applied)}"))
    return view


@router.put("/triggers/{name}", dependencies=[ADMIN], responses={201: {"model": DeclaredView, "description": "New"}})
async def declare_trigger(
    name: Name,
    data: Annotated[Declaration, Body()],
    state: TheState,
    caller: Admin,
    response: Response,
    revision: Annotated[
        int | None, Query(ge=0, description="The revision it must have; 0: it must be new. Default: any.")
    ] = None,
) -> DeclaredView:
    """Declare a trigger, or change one. A webhook without keys gets one, which is shown in this answer and never again."""
    with answered():
        done = await state.triggers.declare(name, data, tenant=caller.tenant, by=caller.subject, revision=revision)
        view = await _view(state, done.trigger)
    response.status_code = 201 if done.is_new else 200
    return DeclaredView(**_fields(view), new_secret=done.secret)


@router.post("/triggers/{name}/rotate", dependencies=[ADMIN])
async def rotate_keys(name: Name, state: TheState, caller: Admin, data: RotateRequest | None = None) -> DeclaredView:
    """Give a webhook a new key, shown in this answer and never again; the old ones are accepted for a while longer."""
    overlap = timedelta(seconds=(data or RotateRequest()).overlap_s)
    with answered():
        done = await state.triggers.rotate(name, tenant=caller.tenant, by=caller.subject, overlap=overlap)
        view = await _view(state, done.trigger)
    return DeclaredView(**_fields(view), new_secret=done.secret)


@router.delete("/triggers/{name}", dependencies=[ADMIN], status_code=204)
async def delete_trigger(name: Name, state: TheState, caller: Admin) -> None:
    """Forget a trigger. Its deliveries stay, and those that wait are still started."""
    with answered():
        await state.triggers.delete(name, tenant=caller.tenant)


@router.post("/triggers/{name}/replay", dependencies=[OPERATOR])
async def replay_dead(name: Name, state: TheState, caller: Operator) -> ReplayedView:
    """Replay the dead deliveries of a trigger, up to 500 at a time."""
    replayed = failed = 0
    with answered():
        trigger = await state.triggers.visible(name, caller.tenant)
        found = await state.deliveries.page(
            tenant=trigger.tenant, trigger=name, status=DeliveryStatus.DEAD, limit=_MOST_AT_ONCE
        )
    # Another tenant may have had the name before; its deliveries are not this trigger's.
    dead = [delivery for delivery in reversed(found) if delivery.tenant == trigger.tenant]
    for delivery in dead:
        try:
            done = await _replayed(state, trigger, delivery)
        except TooManyRequestsException:
            if not replayed:
                raise
            failed = len(dead) - replayed
            break
        replayed, failed = (replayed + 1, failed) if done else (replayed, failed + 1)
    return ReplayedView(replayed=replayed, failed=failed)


@router.get("/deliveries")
async def list_deliveries(
    state: TheState,
    caller: Viewer,
    pages: Annotated[Paging[tuple[datetime, str]], Depends(paging(tuple[datetime, str]))],
    trigger: Annotated[str | None, Query(pattern=_NAME, description="Only those of this trigger.")] = None,
    status: Annotated[DeliveryStatus | None, Query(description="Only those that stand here.")] = None,
) -> DeliveryList:
    """List deliveries, newest first, without what they hold."""
    with answered():
        found = await state.deliveries.page(
            tenant=caller.tenant, trigger=trigger, status=status, limit=pages.fetch, before=pages.after
        )
    page = pages.page(found, lambda each: (each.received_at, each.id))
    return DeliveryList(deliveries=[DeliveryView.of(each) for each in page.items], next_cursor=page.next_cursor)


@router.get("/deliveries/{delivery_id}", dependencies=[OPERATOR])
async def show_delivery(delivery_id: str, state: TheState, caller: Operator) -> DeliveryDetail:
    """Show a delivery in full."""
    with answered():
        return DeliveryDetail.of(await state.intake.find(delivery_id, caller.tenant))


@router.post("/deliveries/{delivery_id}/replay", dependencies=[OPERATOR], status_code=202)
async def replay_delivery(
    delivery_id: str,
    state: TheState,
    caller: Operator,
    anew: Annotated[bool, Query(description="Start another run, also when one was started already.")] = False,
) -> DeliveryDetail:
    """Replay a delivery: mapped anew with the trigger as it is now, and its run started."""
    with answered():
        delivery = await state.intake.find(delivery_id, caller.tenant)
        try:
            trigger = await state.triggers.visible(delivery.trigger, caller.tenant)
        except TriggerNotFoundError as error:
            raise ReplayRefusedError(f"its trigger is gone: declare {delivery.trigger!r} anew") from error
        return DeliveryDetail.of(await state.intake.replay(trigger, delivery, anew=anew))


async def _replayed(state: Any, trigger: Trigger, delivery: Delivery) -> bool:
    with answered():
        try:
            after = await state.intake.replay(trigger, delivery, anew=False)
        except (MappingError, ReplayRefusedError):
            return False
    return after.status is not DeliveryStatus.DEAD


async def _view(state: Any, trigger: Trigger) -> TriggerView:
    kind = trigger.declaration.kind
    return TriggerView.of(trigger, await state.schedules.state(trigger) if kind == "schedule" else None)


def _fields(view: TriggerView) -> dict[str, Any]:
    return {name: getattr(view, name) for name in TriggerView.model_fields}
