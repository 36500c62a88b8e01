"""Between the server and those who handle: every message once, and for an ordered consumer in the order of the stream."""

import asyncio
import itertools
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final

from faststream.nats.message import NatsMessage

from maestro_core_messaging._errors import MessagingError
from maestro_core_messaging._nats._delivery import NatsDelivery
from maestro_core_messaging._nats._position import Position
from maestro_core_messaging._transport import Intake

_REMEMBERED: Final = 10_000
_LOOK_S: Final = 0.05
_LOOKS_PER_REQUEST: Final = 20


class Arrivals:
    """Hands on what arrives.

    The server numbers what it hands out. While the numbers follow each other, nothing is missing. After a gap, and at the
    beginning, something may be on its way or lost: then everything is held back until all that the server waits for is here.

    Args:
        position: Of the consumer, on the server.
        ordered: Whether order matters; else messages are handed on as they come.
        is_ours: Tells whether this instance may still handle them.
    """

    def __init__(self, position: Position, *, ordered: bool, is_ours: Callable[[], bool]) -> None:
        self._position = position
        self._is_ours = is_ours
        self._ordered = ordered
        self._here: dict[int, NatsDelivery] = {}
        self._done: OrderedDict[int, None] = OrderedDict()
        self._last: int | None = None
        self._held: list[NatsDelivery] = []
        self._settling: asyncio.Task[None] | None = None
        self._gaps = 0

    @asynccontextmanager
    async def beating(self, heartbeat_s: float) -> AsyncIterator[None]:
        """Keep the server from handing what is here to others, until the block ends.

        Args:
            heartbeat_s: How often, in seconds.
        """
        task = asyncio.create_task(self._beat(heartbeat_s))
        try:
            yield
        finally:
            task.cancel()

    @asynccontextmanager
    async def handed_to(self, intake: Intake) -> AsyncIterator[None]:
        """Hand on until the block ends; what is held back then goes back to the server."""
        self._intake = intake
        try:
            yield
        finally:
            await self._give_back()

    async def take(self, message: NatsMessage) -> None:
        """Take what the server hands out."""
        about = message.raw_message.metadata
        complete = self._last is not None and about.sequence.consumer == self._last + 1
        self._last = about.sequence.consumer
        self._gaps += not complete
        known = self._here.get(about.sequence.stream)
        if known is not None:
            known.came_again(message)
        elif about.sequence.stream in self._done:
            # Its answer got lost.
            await NatsDelivery(message, _unnoticed, self._is_ours).ack()
        else:
            self._here[about.sequence.stream] = delivery = NatsDelivery(message, self._answered, self._is_ours)
            if self._ordered and (self._settling is not None or not complete):
                self._held.append(delivery)
            else:
                await self._intake(delivery)
        if self._ordered and not complete and self._settling is None:
            self._settling = asyncio.create_task(self._settle())

    async def _give_back(self) -> None:
        if self._settling is not None:
            self._settling.cancel()
            await asyncio.gather(self._settling, return_exceptions=True)
        for delivery in sorted(self._held, key=_sequence):
            await delivery.nak()
        self._held.clear()

    async def _settle(self) -> None:
        for look in itertools.count():
            gaps = self._gaps
            missing = await self._position.missing(self._here)
            # A gap that has come up meanwhile is behind what the server has told about.
            if missing is not None and not missing and gaps == self._gaps:
                break
            if missing and look % _LOOKS_PER_REQUEST == 0:
                with suppress(MessagingError):
                    await self._position.ask_for(missing)
            await asyncio.sleep(_LOOK_S)
        while self._held:
            self._held.sort(key=_sequence)
            await self._intake(self._held.pop(0))
        self._settling = None

    def _answered(self, delivery: NatsDelivery, done: bool) -> None:
        self._here.pop(delivery.sequence, None)
        if done:
            self._done[delivery.sequence] = None
            if len(self._done) > _REMEMBERED:
                self._done.popitem(last=False)

    async def _beat(self, heartbeat_s: float) -> None:
        while True:
            await asyncio.sleep(heartbeat_s)
            for delivery in tuple(self._here.values()):
                await delivery.still_at_work()


def _sequence(delivery: NatsDelivery) -> int:
    return delivery.sequence


def _unnoticed(_delivery: NatsDelivery, _done: bool) -> None:
    """Nobody waits for it."""
