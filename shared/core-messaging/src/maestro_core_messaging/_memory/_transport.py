"""The connection to a memory server."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import NoReturn

from maestro_core_messaging._dead_letter import DeadLetter
from maestro_core_messaging._errors import BrokerUnavailableError
from maestro_core_messaging._memory._consumer import MemoryConsumer
from maestro_core_messaging._memory._server import MemoryServer
from maestro_core_messaging._replays import ORIGINAL_SUBJECT, replay_subject
from maestro_core_messaging._settings import MEMORY_URL
from maestro_core_messaging._subscription import covers
from maestro_core_messaging._transport import ConsumerSpec, OpenIntake, Outgoing, Receipt, Stored


class MemoryTransport:
    """Carries events within this process.

    Args:
        server: Where they are kept.
    """

    server = MEMORY_URL

    def __init__(self, server: MemoryServer) -> None:
        self._server = server

    async def publish(self, message: Outgoing) -> Receipt:
        """Publish."""
        await self.check()
        return await self._server.publish(message)

    def consume(self, spec: ConsumerSpec, open_intake: OpenIntake) -> "MemoryConsuming":
        """Begin to consume."""
        return MemoryConsuming(self._server.consumer(spec), open_intake)

    async def check(self) -> None:
        """Raise `BrokerUnavailableError` when a test has stopped the server."""
        if not self._server.running:
            raise BrokerUnavailableError("the memory broker is stopped", server=self.server)

    async def lost(self) -> NoReturn:
        """Wait for ever: what is in this process is never gone."""
        while True:
            await asyncio.Event().wait()

    async def tail(self, subjects: Sequence[str], *, since: datetime | None) -> AsyncGenerator[Stored, None]:
        """Follow what is published."""
        last = self._server.last_sequence if since is None else 0
        since = since or datetime.min.replace(tzinfo=UTC)
        while True:
            found = [stored for number, stored in self._server.stream.items() if number > last]
            for stored in found:
                last = stored.sequence
                if stored.stored_at >= since and any(covers(pattern, stored.subject) for pattern in subjects):
                    yield stored
            async with self._server.changed:
                while self._server.last_sequence <= last:
                    await self._server.changed.wait()

    async def bury(self, letter: DeadLetter) -> None:
        """Keep a dead letter."""
        await self.check()
        await self._server.bury(letter)

    async def dead_letters(self, consumer: str | None) -> AsyncIterator[DeadLetter]:
        """Read the dead letters."""
        for letter in self._server.letters():
            if consumer in (None, letter.consumer):
                yield letter

    async def dead_letter(self, letter_id: str) -> DeadLetter:
        """Return one."""
        return self._server.letter(letter_id)

    async def replay(self, letter: DeadLetter) -> None:
        """Hand it to its consumer again."""
        headers = {ORIGINAL_SUBJECT: letter.subject}
        message = Outgoing(replay_subject(letter.consumer), letter.body, f"replay:{letter.id}", headers)
        await self.publish(message)

    async def discard(self, letter_id: str) -> None:
        """Remove it."""
        self._server.discard(letter_id)


class MemoryConsuming:
    """A consumer at work."""

    problem: str | None = None

    def __init__(self, consumer: MemoryConsumer, open_intake: OpenIntake) -> None:
        self._consumer = consumer
        self._open_intake = open_intake
        self.active = False
        self.started = asyncio.Event()
        self.started.set()
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Take no more, finish what runs, give back what waits."""
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    async def lag(self) -> int:
        """Return how many events are not handled yet."""
        return self._consumer.lag()

    async def _run(self) -> None:
        if self._consumer.spec.ordering == "key":
            async with self._consumer.exclusive:
                await self._take()
        else:
            await self._take()

    async def _take(self) -> None:
        self.active = True
        try:
            async with self._open_intake() as intake:
                while True:
                    # In turn, so that instances share the work.
                    async with self._consumer.turn:
                        delivery = await self._consumer.next()
                    await intake(delivery)
        finally:
            self.active = False
