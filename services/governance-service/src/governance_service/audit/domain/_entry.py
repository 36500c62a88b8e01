"""What the trail says: records, and the entries of the chain that they become."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal

from ._canonical import canonical

Outcome = Literal["success", "denied", "failure"]
"""How what was done ended."""

GENESIS: Final = "0" * 64
"""The hash before the first entry."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRecord:
    """Who did what to what, as a caller says it."""

    actor: str
    """Who: a person's or a service's name."""
    action: str
    """What was done, as `<subject>.<verb>`: `user.create`."""
    resource: str
    """To what: `user:ada`."""
    outcome: Outcome = "success"
    """How it ended."""
    service: str = "governance-service"
    """The service that tells it."""
    tenant: str | None = None
    """The tenant that it belongs to; None for the platform's own."""
    trace_id: str | None = None
    """The trace that it belongs to: 32 hexadecimal digits."""
    details: Mapping[str, Any] = field(default_factory=dict)
    """Whatever else should be known; JSON without secrets."""
    entry_id: str | None = None
    """An id of the teller's own: the same id again is the same entry. None makes one."""
    occurred_at: datetime | None = None
    """When it happened, by the teller's clock; None: when it was recorded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """An entry of the chain. Its hash covers everything in it and, through `previous_hash`, all entries before it."""

    position: int
    """Place in the chain, from 1, without gaps."""
    entry_id: str
    time_us: int
    """When it was recorded, in microseconds since 1970."""
    occurred_us: int
    """When it happened by the teller's clock, in microseconds since 1970."""
    service: str
    actor: str
    action: str
    resource: str
    outcome: str
    tenant: str | None
    trace_id: str | None
    details_json: str
    """The details in canonical JSON."""
    previous_hash: str
    """Hash of the entry before it; `GENESIS` for the first one."""
    hash: str = ""
    """SHA-256 in hex of `digest_text`."""

    @property
    def time(self) -> datetime:
        """When it was recorded."""
        return _EPOCH + self.time_us * _MICROSECOND

    def content(self) -> dict[str, Any]:
        """Return what the hash covers."""
        return {one.name: getattr(self, one.name) for one in fields(self) if one.name != "hash"}

    def computed_hash(self) -> str:
        """Return the hash that this content has.

        Raises:
            NotCanonicalError: The content is none that the trail could have written.
        """
        return hashlib.sha256(canonical(self.content()).encode()).hexdigest()


def microseconds(moment: datetime) -> int:
    """Return a time in microseconds since 1970.

    Args:
        moment: An aware time.
    """
    return (moment - _EPOCH) // _MICROSECOND


def chained(record: AuditRecord, *, position: int, entry_id: str, at: datetime, previous_hash: str) -> AuditEntry:
    """Make the entry that a record becomes.

    Args:
        record: The record.
        position: Its place.
        entry_id: Its id.
        at: When it is recorded.
        previous_hash: Hash of the entry before it.

    Returns:
        The entry, with its hash.

    Raises:
        NotCanonicalError: The details are no JSON that readers agree on.
    """
    bare = AuditEntry(
        position=position,
        entry_id=entry_id,
        time_us=microseconds(at),
        occurred_us=microseconds(record.occurred_at or at),
        service=record.service,
        actor=record.actor,
        action=record.action,
        resource=record.resource,
        outcome=record.outcome,
        tenant=record.tenant,
        trace_id=record.trace_id,
        details_json=canonical(record.details),
        previous_hash=previous_hash,
    )
    return AuditEntry(**bare.content(), hash=bare.computed_hash())
