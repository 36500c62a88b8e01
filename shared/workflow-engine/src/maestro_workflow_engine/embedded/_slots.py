"""How many runs may have steps running at once. Runs that only wait take no slot."""

from __future__ import annotations

import asyncio


class Slots:
    """First come, first served. A run holds one slot however many steps it runs."""

    def __init__(self, limit: int) -> None:
        if limit < 1:
            raise ValueError("max_concurrent_workflows must be 1 or more")
        self._limit = limit
        self._holding: set[int] = set()
        self._waiting: dict[int, None] = {}
        self._room: list[asyncio.Future[None]] = []

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
        if self._waiting:
            self._waiting.pop(key, None)
            self._tell()
        if key not in self._holding:
            return None
        self._holding.discard(key)
        if not self._waiting:
            return None
        heir = next(iter(self._waiting))
        del self._waiting[heir]
        self._holding.add(heir)
        self._tell()
        return heir

    async def room(self) -> None:
        """Return once no run waits for a slot."""
        while self._waiting:
            told: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._room.append(told)
            await told

    def _tell(self) -> None:
        if self._room and not self._waiting:
            told, self._room = self._room, []
            for future in told:
                if not future.done():
                    future.set_result(None)
