"""Triggers and deliveries as callers see them."""

from datetime import datetime
from typing import Any, Self

from pydantic import BaseModel, SerializeAsAny

from .declaration import Declaration, WebhookDeclaration
from .delivery import Delivery, DeliveryStatus
from .schedules import ScheduleState
from .trigger import Key, Origin, Trigger

_BEGINNING = 10


class KeyView(BaseModel):
    """A key of a webhook, without the key."""

    hint: str
    """Its beginning, by which whoever has it knows it."""
    expires_at: datetime | None
    """When it is no longer accepted; null: it stays."""

    @classmethod
    def of(cls, key: Key) -> Self:
        """Show a key."""
        return cls(hint=f"{key.value[:_BEGINNING]}…", expires_at=key.expires_at)


class ScheduleView(BaseModel):
    """How the orchestrator's schedule stands."""

    schedule_id: str
    """Its id in the orchestrator."""
    applied: bool
    """Whether it is what the trigger says."""
    problem: str | None
    """Why it is not."""


class TriggerView(BaseModel):
    """A trigger."""

    name: str
    tenant: str | None
    origin: Origin
    revision: int
    created_at: datetime
    updated_at: datetime
    updated_by: str
    declaration: SerializeAsAny[BaseModel]
    """What it is, as it was declared, without its keys."""
    keys: list[KeyView]
    keys_problem: str | None = None
    """Why its keys cannot be read, so that it takes nothing; null: they can."""
    schedule: ScheduleView | None = None

    @classmethod
    def of(cls, trigger: Trigger, schedule: ScheduleState | None = None) -> Self:
        """Show a trigger."""
        shown = None
        if schedule is not None:
            shown = ScheduleView(
                schedule_id=schedule.schedule_id, applied=schedule.is_applied, problem=schedule.problem
            )
        return cls(
            name=trigger.name,
            tenant=trigger.tenant,
            origin=trigger.origin,
            revision=trigger.revision,
            created_at=trigger.created_at,
            updated_at=trigger.updated_at,
            updated_by=trigger.updated_by,
            declaration=_shown(trigger.declaration),
            keys=[KeyView.of(key) for key in trigger.keys],
            keys_problem=trigger.keys_problem,
            schedule=shown,
        )


class DeclaredView(TriggerView):
    """A trigger that was declared."""

    new_secret: str | None = None
    """The key that was made for it: it is shown this once."""


class TriggerList(BaseModel):
    """The triggers there are, by name."""

    triggers: list[TriggerView]


class DeliveryView(BaseModel):
    """A delivery as listings show it."""

    id: str
    trigger: str
    tenant: str | None
    key: str
    """What its sender signed as its id, or what stands for that."""
    status: DeliveryStatus
    received_at: datetime
    workflow: str | None
    run_id: str | None
    attempts: int
    next_attempt_at: datetime | None
    settled_at: datetime | None
    error_code: str | None
    error: str | None

    @classmethod
    def of(cls, delivery: Delivery) -> Self:
        """Show a delivery."""
        return cls.model_validate(_members(delivery))


class DeliveryDetail(DeliveryView):
    """A delivery in full."""

    message: Any
    """What jq sees of it."""
    input: Any
    """The run's input; null when there is no run."""

    @classmethod
    def of(cls, delivery: Delivery) -> Self:
        """Show a delivery."""
        start = delivery.start
        return cls.model_validate(
            {**_members(delivery), "message": delivery.message, "input": None if start is None else start.input}
        )


class DeliveryList(BaseModel):
    """One page of deliveries, newest first."""

    deliveries: list[DeliveryView]
    next_cursor: str | None
    """Pass it as `cursor` to get the next page; null on the last."""


class AcceptedView(BaseModel):
    """What a webhook's sender is told."""

    delivery_id: str
    status: DeliveryStatus
    run_id: str | None
    """The run that it starts; null when the trigger's filter starts nothing."""
    duplicate: bool
    """Whether the delivery had come before: the run is that of the first time."""

    @classmethod
    def of(cls, delivery: Delivery, *, is_new: bool) -> Self:
        """Show a delivery to its sender."""
        start = delivery.start
        return cls(
            delivery_id=delivery.id,
            status=delivery.status,
            run_id=None if start is None else start.run_id,
            duplicate=not is_new,
        )


def _shown(declaration: Declaration) -> BaseModel:
    if isinstance(declaration, WebhookDeclaration):
        return declaration.model_copy(update={"secrets": None})
    return declaration


def _members(delivery: Delivery) -> dict[str, Any]:
    start = delivery.start
    return {
        "id": delivery.id,
        "trigger": delivery.trigger,
        "tenant": delivery.tenant,
        "key": delivery.key,
        "status": delivery.status,
        "received_at": delivery.received_at,
        "workflow": None if start is None else start.workflow,
        "run_id": None if start is None else start.run_id,
        "attempts": delivery.attempts,
        "next_attempt_at": delivery.next_attempt_at,
        "settled_at": delivery.settled_at,
        "error_code": delivery.error_code,
        "error": delivery.error,
    }
