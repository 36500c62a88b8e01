"""A server in this process: one stream, durable consumers, dead letters."""

import asyncio
from collections import OrderedDict
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from typing import Final

from maestro_core_messaging._dead_letter import DeadLetter
from maestro_core_messaging._errors import DeadLetterNotFoundError
from maestro_core_messaging._memory._consumer import MemoryConsumer
from maestro_core_messaging._transport import ConsumerSpec, Outgoing, Receipt, Stored

_KEPT: Final = 10_000
"""Events that are kept for `tail` and for consumers to come; those that a consumer has not seen are kept beyond that."""


class MemoryServer:
    """What NATS is for several processes, for one: services that are given the same one hear each other.

    It has no timer for consumers that have died: what shares its memory dies with it.
    """

    def __init__(self) -> None:
        self.running = True
        self.changed = asyncio.Condition()
        self.stream: OrderedDict[int, Stored] = OrderedDict()
        self._sequence = 0
        self._ids: OrderedDict[str, int] = OrderedDict()
        self._consumers: dict[str, MemoryConsumer] = {}
        self._letters: OrderedDict[str, DeadLetter] = OrderedDict()
        self._letter_numbers = count(1)

    @property
    def last_sequence(self) -> int:
        """Number of the newest event; 0 when there was none."""
        return self._sequence

    async def publish(self, message: Outgoing) -> Receipt:
        """Take a message; one whose id is known already is not taken again."""
        if (known := self._ids.get(message.message_id)) is not None:
            return Receipt(known, duplicate=True)
        async with self.changed:
            self._sequence += 1
            stored = Stored(message.subject, message.body, self._sequence, datetime.now(UTC), dict(message.headers))
            self.stream[self._sequence] = stored
            self._ids[message.message_id] = self._sequence
            self._trim()
            self.changed.notify_all()
        return Receipt(stored.sequence, duplicate=False)

    def consumer(self, spec: ConsumerSpec) -> MemoryConsumer:
        """Return the consumer of this name, made on the first call; what it listens to may change."""
        found = self._consumers.get(spec.name)
        if found is None:
            after = self._sequence if spec.start == "new" else 0
            found = self._consumers[spec.name] = MemoryConsumer(self, after)
        found.spec = spec
        return found

    async def bury(self, letter: DeadLetter) -> None:
        """Keep a dead letter; the same one again changes nothing."""
        same = (letter.consumer, letter.sequence)
        if all((each.consumer, each.sequence) != same for each in self._letters.values()):
            number = str(next(self._letter_numbers))
            self._letters[number] = replace(letter, id=number)

    def letters(self) -> list[DeadLetter]:
        """Return the dead letters, oldest first."""
        return list(self._letters.values())

    def letter(self, letter_id: str) -> DeadLetter:
        """Return one."""
        try:
            return self._letters[letter_id]
        except KeyError:
            raise DeadLetterNotFoundError(letter_id) from None

    def discard(self, letter_id: str) -> None:
        """Remove one."""
        if self._letters.pop(letter_id, None) is None:
            raise DeadLetterNotFoundError(letter_id)

    def _trim(self) -> None:
        while len(self._ids) > _KEPT:
            self._ids.popitem(last=False)
        seen = min((consumer.cursor for consumer in self._consumers.values()), default=self._sequence)
        while len(self.stream) > _KEPT and next(iter(self.stream)) <= seen:
            self.stream.popitem(last=False)
