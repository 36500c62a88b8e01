"""What is in the outbox."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class OutboxEntry:
    """One event that is owed, claimed by a relay."""

    id: int
    """Its number; greater ones were added later."""
    event_json: str
    """The event."""
    subject: str
    """Where it is to be published."""
    key: str | None
    """Events of one key are published in the order in which they were added; None for one that stands alone."""
    attempts: int
    """How often publishing it has failed."""
    lease: str
    """Whose it is now; `done` and `failed` of somebody whose lease ran out change nothing."""


@dataclass(frozen=True, slots=True)
class OutboxState:
    """How full the outbox is."""

    pending: int
    """Events that are owed."""
    failing: int
    """How many of them could not be published at least once."""
    oldest_age: timedelta
    """How long the oldest of them has been waiting; zero when there is none."""
    last_error: str | None
    """Why the oldest failing one failed."""
