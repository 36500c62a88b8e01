"""Looking through the dead letters, and what can be done with them."""

from collections.abc import AsyncIterator

from maestro_core_messaging._dead_letter import DeadLetter
from maestro_core_messaging._transport import Transport


class DeadLetters:
    """The dead letters of every consumer."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def list(self, *, consumer: str | None = None, limit: int = 100) -> list[DeadLetter]:
        """Return dead letters, oldest first.

        Args:
            consumer: Of one consumer, `<service>_<durable>`; None: of all.
            limit: At most so many.
        """
        found: list[DeadLetter] = []
        async for letter in self.each(consumer=consumer):
            found.append(letter)
            if len(found) >= limit:
                break
        return found

    def each(self, *, consumer: str | None = None) -> AsyncIterator[DeadLetter]:
        """Read all there are, oldest first."""
        return self._transport.dead_letters(consumer)

    async def get(self, letter_id: str) -> DeadLetter:
        """Return one.

        Raises:
            DeadLetterNotFoundError: It is not there, or no longer.
        """
        return await self._transport.dead_letter(letter_id)

    async def replay(self, letter_id: str) -> None:
        """Hand one to its consumer again, and to no other, with all its deliveries before it.

        Called twice, it is replayed once. It stands behind what its key has published since.

        Raises:
            DeadLetterNotFoundError: It is not there, or no longer.
        """
        letter = await self._transport.dead_letter(letter_id)
        await self._transport.replay(letter)
        await self._transport.discard(letter_id)

    async def discard(self, letter_id: str) -> None:
        """Remove one for good.

        Raises:
            DeadLetterNotFoundError: It is not there, or no longer.
        """
        await self._transport.discard(letter_id)
