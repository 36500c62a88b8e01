"""Stored payloads are fetched before the code that needs them runs, for that code cannot wait."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager

from maestro_workflow_engine._payload_store import PayloadStore
from maestro_workflow_engine.embedded._sealing import references

_AT_ONCE = 16


class Downloads:
    """Payloads that are in memory because somebody is about to read them.

    Args:
        store: Where they are.
    """

    def __init__(self, store: PayloadStore) -> None:
        self._store = store
        self._found: dict[str, bytes | None] = {}
        self._readers: Counter[str] = Counter()
        self._slots = asyncio.Semaphore(_AT_ONCE)

    @property
    def at_hand(self) -> Mapping[str, bytes | None]:
        """Payloads by digest; None for one that is not in the store."""
        return self._found

    @asynccontextmanager
    async def of(self, events: Iterable[bytes]) -> AsyncIterator[None]:
        """Keep at hand what events refer to.

        Args:
            events: The journal's bytes.

        Raises:
            PayloadStoreError: The store cannot be reached.
        """
        names = {name for data in events for name in references(data)}
        self._readers.update(names)
        try:
            fetching = (self._fetch(name) for name in names - self._found.keys())
            for outcome in await asyncio.gather(*fetching, return_exceptions=True):
                if outcome is not None:
                    raise outcome
            yield
        finally:
            self._readers.subtract(names)
            for name in names:
                if self._readers[name] <= 0:
                    del self._readers[name]
                    self._found.pop(name, None)

    async def _fetch(self, name: str) -> None:
        async with self._slots:
            self._found[name] = await self._store.get(name)
