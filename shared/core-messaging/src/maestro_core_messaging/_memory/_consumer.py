"""A durable consumer of the memory server: how far it is, and what waits for an answer."""

import asyncio
import heapq
from dataclasses import dataclass
from typing import TYPE_CHECKING

from maestro_core_messaging._replays import original_subject, replay_subject
from maestro_core_messaging._subscription import covers
from maestro_core_messaging._transport import ConsumerSpec, Stored

if TYPE_CHECKING:
    from maestro_core_messaging._memory._server import MemoryServer


@dataclass(frozen=True)
class MemoryDelivery:
    """A message that waits for an answer."""

    consumer: "MemoryConsumer"
    stored: Stored
    delivered: int

    @property
    def subject(self) -> str:
        """Where it was published first."""
        return original_subject(self.stored.subject, self.stored.headers)

    @property
    def body(self) -> bytes:
        """The event."""
        return self.stored.body

    @property
    def sequence(self) -> int:
        """Its number in the stream."""
        return self.stored.sequence

    @property
    def is_ours(self) -> bool:
        """Nobody else takes it away."""
        return True

    async def ack(self) -> None:
        """It is done with."""
        await self.consumer.answered(self.stored, None, self.delivered)

    async def nak(self, delay_s: float = 0.0) -> None:
        """It shall come again."""
        await self.consumer.answered(self.stored, delay_s, self.delivered)


class MemoryConsumer:
    """Hands out messages, redelivered ones first, never more at once than its spec says.

    Args:
        server: Where the stream is.
        after: Number of the last event that does not concern it.
    """

    spec: ConsumerSpec

    def __init__(self, server: "MemoryServer", after: int) -> None:
        self.cursor = after
        self.exclusive = asyncio.Lock()
        self.turn = asyncio.Lock()
        self._server = server
        self._out: dict[int, int] = {}
        self._again: list[tuple[float, int, Stored, int]] = []

    def lag(self) -> int:
        """Return how many events are not done with."""
        ahead = (stored for number, stored in self._server.stream.items() if number > self.cursor)
        return len(self._out) + len(self._again) + sum(self._wants(stored) for stored in ahead)

    async def next(self) -> MemoryDelivery:
        """Wait for the next message."""
        async with self._server.changed:
            while True:
                found = self._due() or self._fresh()
                if found is not None:
                    return found
                delay_s = self._again[0][0] - _now() if self._again else None
                try:
                    async with asyncio.timeout(delay_s):
                        await self._server.changed.wait()
                except TimeoutError:
                    continue

    async def answered(self, stored: Stored, again_in_s: float | None, delivered: int) -> None:
        """Take an answer; a second one for the same delivery changes nothing."""
        async with self._server.changed:
            if self._out.get(stored.sequence) != delivered:
                return
            del self._out[stored.sequence]
            if again_in_s is not None:
                heapq.heappush(self._again, (_now() + again_in_s, stored.sequence, stored, delivered))
            self._server.changed.notify_all()

    def _due(self) -> MemoryDelivery | None:
        if not self._again or self._again[0][0] > _now():
            return None
        _, _, stored, delivered = heapq.heappop(self._again)
        return self._hand_out(stored, delivered + 1)

    def _fresh(self) -> MemoryDelivery | None:
        if len(self._out) >= self.spec.max_in_flight:
            return None
        while self.cursor < self._server.last_sequence:
            self.cursor += 1
            stored = self._server.stream.get(self.cursor)
            if stored is not None and self._wants(stored):
                return self._hand_out(stored, 1)
        return None

    def _hand_out(self, stored: Stored, delivered: int) -> MemoryDelivery:
        self._out[stored.sequence] = delivered
        return MemoryDelivery(self, stored, delivered)

    def _wants(self, stored: Stored) -> bool:
        if stored.subject == replay_subject(self.spec.name):
            return True
        return any(covers(pattern, stored.subject) for pattern in self.spec.subjects)


def _now() -> float:
    return asyncio.get_running_loop().time()
