"""Where a relay finds events that are owed. `maestro_core_db.Outbox` is one."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Protocol, TypeVar


class OutboxEntry(Protocol):
    """An event that is owed, claimed by a relay."""

    @property
    def event_json(self) -> str:
        """The CloudEvent, as JSON."""

    @property
    def subject(self) -> str:
        """Where it is to be published."""

    @property
    def key(self) -> str | None:
        """Events of one key are published in the order of the outbox; None: it stands alone."""

    @property
    def attempts(self) -> int:
        """How often publishing it has failed."""


class OutboxState(Protocol):
    """How full an outbox is."""

    @property
    def pending(self) -> int:
        """Events that are owed."""

    @property
    def oldest_age(self) -> timedelta:
        """How long the oldest of them has been waiting."""


E = TypeVar("E", bound=OutboxEntry)


class OutboxSource(Protocol[E]):
    """An outbox, to be emptied."""

    async def claim(self, limit: int = ..., lease: timedelta = ...) -> Sequence[E]:
        """Take events; for the time of the lease no other relay gets them, nor later ones of their keys.

        Returns:
            In the order in which they are to be published; empty when nothing is due.
        """

    async def done(self, entries: Sequence[E]) -> Any:
        """Tell that events were published."""

    async def failed(self, entry: E, reason: str) -> Any:
        """Tell that one could not be published: it is due again after a pause, and before it no later one of its key."""

    async def released(self, entries: Sequence[E]) -> Any:
        """Give events back that were not tried."""

    async def arrived(self, timeout: timedelta) -> bool:
        """Wait until an event is added, or the time is over."""

    async def state(self) -> OutboxState:
        """Look how full it is."""
