"""Where the numbers of metrics stand: in this process, or in a file that the other workers read."""

import threading
from typing import Protocol

from ._declaration import MetricDeclaration


class Values(Protocol):
    """Numbers by position; a list, or the memory of a file."""

    def __getitem__(self, at: int, /) -> float:
        """Return one number."""

    def __setitem__(self, at: int, value: float, /) -> None:
        """Replace one number."""


class Placed:
    """Something whose numbers stand in slots: from `at` on, in `values`.

    Whoever adds to a number holds the lock of the slots meanwhile: reading and writing back are two operations.
    """

    __slots__ = ("at", "values")

    values: Values
    at: int


class Slots(Protocol):
    """Gives out places for numbers."""

    lock: threading.RLock
    """Held while a number is changed. Reentrant, because garbage collection may run code that counts while it is held."""

    def declare(self, metric: MetricDeclaration) -> None:
        """Learn of a metric, before its first series is placed."""

    def place(self, series: Placed, metric: MetricDeclaration, labels: tuple[str, ...]) -> None:
        """Give a series its numbers, all of them zero."""

    def release(self, series: Placed, metric: MetricDeclaration) -> None:
        """Take back the numbers of a series, which counts no more."""


class OwnSlots:
    """Slots in this process, which nobody else reads."""

    def __init__(self) -> None:
        self.lock = threading.RLock()

    def declare(self, metric: MetricDeclaration) -> None:
        """See `Slots.declare`."""

    def place(self, series: Placed, metric: MetricDeclaration, labels: tuple[str, ...]) -> None:
        """See `Slots.place`."""
        series.values, series.at = [0.0] * metric.size, 0

    def release(self, series: Placed, metric: MetricDeclaration) -> None:
        """See `Slots.release`."""
