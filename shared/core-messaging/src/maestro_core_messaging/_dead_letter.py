"""An event that a consumer could not handle."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class DeadLetter:
    """An event that a consumer could not handle, with the reason."""

    id: str
    """Of the letter; empty until it is kept."""
    consumer: str
    """Whose it is: `<service>_<durable>`."""
    subject: str
    """Where the event was published."""
    sequence: int
    """Its number in the stream."""
    body: bytes
    """The event as it arrived."""
    reason: str
    """Stable: `UNREADABLE_EVENT`, `INCOMPATIBLE_EVENT`, `REJECTED`, `TOO_MANY_DELIVERIES`."""
    detail: str
    """What went wrong, for people."""
    deliveries: int
    """How often it was tried."""
    died_at: datetime
    """When it was given up; aware."""
    trace_id: str | None = None
    """Trace of the last attempt."""
    event_id: str | None = None
    """The event's id, when it could be read."""
    key: str | None = None
    """The event's key, when it has one."""
