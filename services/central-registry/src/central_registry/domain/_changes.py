"""What changed: a bounded log that watchers read at their own pace."""

import uuid
from collections import deque
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import islice

from ._instances import Instance
from ._ticker import Ticker


class ChangeKind(StrEnum):
    """What happened to an instance."""

    REGISTERED = "registered"
    """It is new."""
    CHANGED = "changed"
    """It registered again and says something else."""
    LEFT = "left"
    """It said goodbye."""
    LOST = "lost"
    """Its lease ran out."""
    UNHEALTHY = "unhealthy"
    """Its probes fail; look-up hides it."""
    HEALTHY = "healthy"
    """Its probes pass again; look-up shows it."""


@dataclass(frozen=True, slots=True)
class Change:
    """One entry of the log."""

    position: int
    """Its place in the log, from 1 on."""
    kind: ChangeKind
    """What happened."""
    at: datetime
    """When."""
    instance: Instance
    """The instance as it is since then; as it was last, when it left or was lost."""


class ChangeLog(Ticker):
    """The latest changes, in order.

    Nobody is waited for: a watcher that falls behind by more than the log holds has to begin anew.

    Args:
        capacity: How many changes are held.

    Attributes:
        epoch: Tells this log from those of earlier and later processes, which count from 1 too.
        position: Place of the latest change; 0 before the first. It grows with every change, so it is the version of what
            look-up shows.
    """

    def __init__(self, *, capacity: int = 4_096) -> None:
        super().__init__()
        self.epoch = uuid.uuid4().hex[:12]
        self._changes: deque[Change] = deque(maxlen=capacity)

    def add(self, kind: ChangeKind, instance: Instance, at: datetime) -> Change:
        """Note a change and wake those who wait.

        Args:
            kind: What happened.
            instance: To which instance.
            at: When.

        Returns:
            The entry.
        """
        change = Change(self.position + 1, kind, at, instance)
        self._changes.append(change)
        self.tick()
        return change

    def since(self, position: int) -> tuple[Change, ...] | None:
        """Return what came after a place.

        Args:
            position: The last change that is known to whoever asks; 0 for none.

        Returns:
            The later changes, none left out; None when the log does not go back that far, or never got there.
        """
        missed = self.position - position
        if not 0 <= missed <= len(self._changes):
            return None
        return tuple(islice(self._changes, len(self._changes) - missed, None))
