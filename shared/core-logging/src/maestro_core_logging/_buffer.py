"""What waits to be delivered: in order, bounded, and the more severe before the less when there is no room for all."""

from __future__ import annotations

from collections import deque
from itertools import count
from typing import Generic, TypeVar

_Item = TypeVar("_Item")


class Buffer(Generic[_Item]):
    """Keeps items in the order they came. It has no lock: its owner has.

    When it is full, an item makes room for itself by taking the place of the oldest of the least severe ones; of equals, the
    ones that came first stay, because how a failure began tells more than how it went on.

    Args:
        most_items: How many items wait at most.
        most_bytes: How many bytes they have at most, together.

    Attributes:
        items: How many wait.
    """

    def __init__(self, most_items: int, most_bytes: int) -> None:
        self.items = 0
        self._bytes = 0
        self._most_items = most_items
        self._most_bytes = most_bytes
        self._numbers = count()
        self._queues: dict[int, deque[tuple[int, int, _Item]]] = {}
        self._sizes: dict[int, int] = {}

    def put(self, item: _Item, size: int, severity: int) -> int:
        """Add an item.

        Args:
            item: The item.
            size: How many bytes it has.
            severity: Higher ones stay when there is no room.

        Returns:
            How many items were dropped for want of room: this one, or others.
        """
        dropped = 0
        if self._is_full(size):
            less = [each for each in self._queues if each < severity]
            if not self._fits(
                size, sum(self._sizes[each] for each in less), sum(len(self._queues[each]) for each in less)
            ):
                return 1
            while self._is_full(size):
                self._pop(min(each for each in less if self._queues[each]))
                dropped += 1
        queue = self._queues.get(severity)
        if queue is None:
            queue = self._queues[severity] = deque()
            self._sizes[severity] = 0
        queue.append((next(self._numbers), size, item))
        self.items += 1
        self._sizes[severity] += size
        self._bytes += size
        return dropped

    def take(self, most: int) -> list[_Item]:
        """Remove the items that came first.

        Args:
            most: How many at most.

        Returns:
            The items, in the order they came.
        """
        taken: list[_Item] = []
        while self.items and len(taken) < most:
            taken.append(self._pop(min((each for each, queue in self._queues.items() if queue), key=self._first)))
        return taken

    def _is_full(self, size: int) -> bool:
        return self.items >= self._most_items or self._bytes + size > self._most_bytes

    def _fits(self, size: int, freed_bytes: int, freed_items: int) -> bool:
        return self.items - freed_items < self._most_items and self._bytes - freed_bytes + size <= self._most_bytes

    def _first(self, severity: int) -> int:
        return self._queues[severity][0][0]

    def _pop(self, severity: int) -> _Item:
        _, size, item = self._queues[severity].popleft()
        self.items -= 1
        self._sizes[severity] -= size
        self._bytes -= size
        return item
