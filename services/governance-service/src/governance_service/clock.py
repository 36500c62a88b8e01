"""The present."""

from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Gives the present; tests give another one."""

    def __call__(self) -> datetime:
        """Return the present, aware."""
        ...


def system_clock() -> datetime:
    """Return the present by the machine's clock."""
    return datetime.now(UTC)
