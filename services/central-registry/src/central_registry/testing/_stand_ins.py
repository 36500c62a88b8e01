"""Stand-ins for time and disk."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from central_registry.domain import InstanceKey, Notice, Registration, StorageFullError


class FakeClock:
    """A `Clock` that stands still until it is told to go on."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        """Return the present, as set."""
        return self.now

    def advance(self, seconds: float) -> None:
        """Let time go by.

        Args:
            seconds: How much.
        """
        self.now += timedelta(seconds=seconds)


class MemoryStore:
    """A `RegistrationStore` that counts its writes and can be full.

    Attributes:
        kept: What is on the disk that there is not.
        writes: How often something was written.
        told: What the platform was told.
        full: Whether there is no room to write.
    """

    def __init__(self) -> None:
        self.kept: dict[InstanceKey, Registration] = {}
        self.writes = 0
        self.told: list[Notice] = []
        self.full = False

    async def load(self) -> Sequence[Registration]:
        """See `RegistrationStore.load`."""
        return list(self.kept.values())

    async def save(self, registration: Registration, notices: Sequence[Notice] = ()) -> None:
        """See `RegistrationStore.save`."""
        self._write(notices)
        self.kept[registration.key] = registration

    async def remove(self, keys: Collection[InstanceKey], notices: Sequence[Notice] = ()) -> None:
        """See `RegistrationStore.remove`."""
        self._write(notices)
        for key in keys:
            self.kept.pop(key, None)

    def _write(self, notices: Sequence[Notice]) -> None:
        if self.full:
            raise StorageFullError(Path("registry.db"), "the disk is full")
        self.writes += 1
        self.told += notices
