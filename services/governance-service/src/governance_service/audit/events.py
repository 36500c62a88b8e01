"""Entries that other services tell by event, and the checkpoints that this one tells."""

import re
from datetime import datetime
from typing import Any, Final, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from maestro_core_messaging import Event, EventType, RejectEventError, Subscriptions

from .domain import AuditRecord, Checkpoint, EntryDiffersError, InvalidRecordError
from .trail import AuditTrail

RECORDED: Final = "maestro.*.audit.recorded"
"""The subjects that services tell entries on: `maestro.<service>.audit.recorded`."""
_TYPE: Final = re.compile(r"maestro\.([a-z0-9][a-z0-9_-]*)\.audit\.recorded")
_PLAIN_ID: Final = re.compile(r"[A-Za-z0-9_.:-]{1,120}")
_TRACE: Final = re.compile(r"00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")


class AuditRecorded(BaseModel):
    """What a service tells: the data of an event `<service>.audit.recorded`."""

    model_config = ConfigDict(use_attribute_docstrings=True)

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
    """Its trace; that of the event when absent."""
    occurred_at: AwareDatetime | None = None
    """When it happened; when the event says so when absent."""
    details: dict[str, Any] = Field(default_factory=dict)
    """Whatever else should be known, without secrets."""


class CheckpointSigned(BaseModel):
    """A checkpoint, for whoever keeps it elsewhere."""

    log_id: str
    position: int
    hash: str
    line: str
    """The whole checkpoint as one line of JSON, with its signature."""

    @classmethod
    def of(cls, checkpoint: Checkpoint) -> "CheckpointSigned":
        """Tell a checkpoint.

        Args:
            checkpoint: The checkpoint.
        """
        return cls(log_id=checkpoint.log_id, position=checkpoint.position, hash=checkpoint.hash, line=checkpoint.line())


CHECKPOINT: Final = EventType(
    "governance-service.audit.checkpoint", 1, CheckpointSigned, description="How far the audit trail was, signed."
)


def audit_subscriptions(trail: AuditTrail) -> Subscriptions:
    """Return what listens for entries: each event becomes one entry, however often it comes.

    Args:
        trail: Where they are appended.

    Returns:
        The subscriptions, for a broker to include.
    """
    subscriptions = Subscriptions()

    @subscriptions.subscriber(RECORDED, durable="audit", ordering="none")
    async def hear(event: Event[Any]) -> None:
        record = record_of(event)

        async def work(session: AsyncSession) -> None:
            await trail.append(session, record)
            await session.commit()

        try:
            await trail.recorded(work)
        except (InvalidRecordError, EntryDiffersError) as error:
            raise RejectEventError(str(error)) from error

    return subscriptions


def record_of(event: Event[Any]) -> AuditRecord:
    """Return the entry that an event tells.

    Args:
        event: The event.

    Returns:
        The entry, of the service whose event it is, with the event's id.

    Raises:
        RejectEventError: It tells none.
    """
    of_service = _TYPE.fullmatch(event.type)
    if of_service is None or event.source.strip("/") != of_service[1] or not _PLAIN_ID.fullmatch(event.id):
        raise RejectEventError(f"the event {event.id[:120]!r} does not say of which service it is, or which one it is")
    try:
        said = AuditRecorded.model_validate(event.data)
    except ValidationError as error:
        raise RejectEventError(f"the event {event.id} tells no audit entry: {error.error_count()} faults") from error
    return AuditRecord(
        actor=said.actor,
        action=said.action,
        resource=said.resource,
        outcome=said.outcome,
        service=of_service[1],
        tenant=said.tenant,
        trace_id=said.trace_id or _trace(event),
        details=said.details,
        entry_id=f"event:{event.id}",
        occurred_at=said.occurred_at or _aware(event.time),
    )


def _trace(event: Event[Any]) -> str | None:
    found = _TRACE.fullmatch(event.extensions.get("traceparent", ""))
    return None if found is None else found[1]


def _aware(moment: datetime | None) -> datetime | None:
    return moment if moment is not None and moment.tzinfo is not None else None
