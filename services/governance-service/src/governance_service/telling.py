"""What is to be known of a change: an entry of the audit trail and an event, kept in the change's own unit of work."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from governance_service.audit import AuditRecord, AuditTrail
from maestro_core_db import Outbox
from maestro_core_messaging import EventType, new_event, write_event

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """An event to be published once the change is committed."""

    event_type: EventType[Any]
    data: BaseModel
    key: str
    """Events of one key stay in order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Who did what to what."""

    actor: str
    action: str
    """`<subject>.<verb>`."""
    resource: str
    """`<kind>:<id>`."""
    tenant: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    announcement: Announcement | None = None
    """The event; None when nobody else needs to know."""


class Teller(Protocol):
    """Keeps what is told together with what was done."""

    async def tell(self, session: AsyncSession, told: Told) -> None:
        """Tell something in a unit of work; let it be one of its last statements.

        Args:
            session: The unit of work.
            told: What to tell.
        """
        ...

    async def recorded(self, work: Callable[[AsyncSession], Awaitable[T]]) -> T:
        """Do a unit of work, again after conflicts and lost connections, and return once what it told is safe.

        Args:
            work: Gets a session, and commits it.

        Returns:
            What `work` returned.
        """
        ...


class AuditAndEvents:
    """A `Teller`: the audit trail, and the outbox of events.

    Args:
        trail: The audit trail.
        outbox: The events that are owed; None where there is no server for events.
    """

    def __init__(self, trail: AuditTrail, outbox: Outbox | None) -> None:
        self._trail = trail
        self._outbox = outbox

    async def tell(self, session: AsyncSession, told: Told) -> None:
        """See `Teller.tell`."""
        if told.announcement is not None and self._outbox is not None:
            event_type, data = told.announcement.event_type, told.announcement.data
            event = new_event(event_type, data, key=told.announcement.key, subject=told.resource)
            written = write_event(event).decode()
            await self._outbox.add(session, written, event_type.subject, told.announcement.key)
        record = AuditRecord(
            actor=told.actor, action=told.action, resource=told.resource, tenant=told.tenant, details=told.details
        )
        await self._trail.append(session, record)

    async def recorded(self, work: Callable[[AsyncSession], Awaitable[T]]) -> T:
        """See `Teller.recorded`."""
        return await self._trail.recorded(work)
