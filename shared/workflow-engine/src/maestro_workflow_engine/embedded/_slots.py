"""How many runs may have steps running at once. Runs that only wait take no slot."""

from __future__ import annotations


class Slots:
    """First come, first served. A run holds one slot however many steps it runs."""

    def __init__(self, limit: int) -> None:
        if limit < 1:
            raise ValueError("max_concurrent_workflows must be 1 or more")
        self._limit = limit
        self._holding: set[int] = set()
        self._waiting: dict[int, None] = {}

    def enter(self, key: int) -> bool:
        """Take a slot for a run, or queue it.

        Returns:
            True when the run holds a slot.
        """
        if key in self._holding:
            return True
        if len(self._holding) < self._limit and not self._waiting:
            self._holding.add(key)
            return True
        self._waiting[key] = None
        return False

    def leave(self, key: int) -> int | None:
        """Give a run's slot, or its place in the queue, back.

        Returns:
            The run that holds the slot now; None when nobody waits.
        """
        self._waiting.pop(key, None)
        if key not in self._holding:
            return None
        self._holding.discard(key)
        if not self._waiting:
            return None
        heir = next(iter(self._waiting))
        del self._waiting[heir]
        self._holding.add(heir)
        return heir
