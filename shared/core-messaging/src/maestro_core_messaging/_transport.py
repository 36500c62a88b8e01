"""What carries events: NATS JetStream, or the memory of this process. Everything else stands on these Protocols."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, NoReturn, Protocol

from maestro_core_messaging._dead_letter import DeadLetter

Ordering = Literal["key", "none"]
Start = Literal["all", "new"]
Streams = Literal["make", "expect"]


@dataclass(frozen=True)
class Outgoing:
    """A message to be published."""

    subject: str
    body: bytes
    message_id: str
    """The server takes a message of the same id once."""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Receipt:
    """The server has the message."""

    sequence: int
    """Its number in the stream."""
    duplicate: bool
    """The server had it already."""


@dataclass(frozen=True)
class Stored:
    """A message in the stream."""

    subject: str
    body: bytes
    sequence: int
    stored_at: datetime
    headers: Mapping[str, str]


class Delivery(Protocol):
    """A message that waits for an answer."""

    @property
    def subject(self) -> str:
        """Where it was published first; a replayed dead letter has the original one."""

    @property
    def body(self) -> bytes:
        """The event."""

    @property
    def sequence(self) -> int:
        """Its number in the stream."""

    @property
    def delivered(self) -> int:
        """How often the server has handed it out, from 1."""

    @property
    def is_ours(self) -> bool:
        """Whether this instance may still handle it; of an ordered consumer another one may have it after an outage."""

    async def ack(self) -> None:
        """It is done with."""

    async def nak(self, delay_s: float = 0.0) -> None:
        """It shall come again, not before a delay in seconds."""


Intake = Callable[[Delivery], Awaitable[None]]
OpenIntake = Callable[[], AbstractAsyncContextManager[Intake]]
"""Opened whenever deliveries begin. Closed when they end: it then finishes what runs, and gives back what waits."""


@dataclass(frozen=True)
class ConsumerSpec:
    """A durable consumer, as the transport sees it."""

    name: str
    subjects: Sequence[str]
    ordering: Ordering
    start: Start
    max_in_flight: int
    ack_wait: timedelta


class Consuming(Protocol):
    """A consumer at work."""

    @property
    def started(self) -> asyncio.Event:
        """Set once it exists on the server: from then on it misses nothing."""

    @property
    def active(self) -> bool:
        """Whether this instance gets deliveries; of an ordered consumer one instance does, and the others stand by."""

    @property
    def problem(self) -> str | None:
        """Code of the error that keeps it from working."""

    async def stop(self) -> None:
        """Take no more, finish what runs, give back what waits."""

    async def lag(self) -> int:
        """Return how many events are not handled yet, those at work included."""


class Transport(Protocol):
    """A server and the connection to it."""

    @property
    def server(self) -> str:
        """Its address, without credentials."""

    async def publish(self, message: Outgoing) -> Receipt:
        """Publish; returns when the server has acknowledged it."""

    def consume(self, spec: ConsumerSpec, open_intake: OpenIntake) -> Consuming:
        """Begin to consume in the background."""

    async def check(self) -> None:
        """Raise `BrokerUnavailableError` unless the server takes events now."""

    async def lost(self) -> NoReturn:
        """Wait until the connection is gone and does not come back, then raise `BrokerUnavailableError`."""

    def tail(self, subjects: Sequence[str], *, since: datetime | None) -> AsyncGenerator[Stored, None]:
        """Follow what is published, from a moment on; None: from now on."""

    async def bury(self, letter: DeadLetter) -> None:
        """Keep a dead letter; the same one again changes nothing."""

    def dead_letters(self, consumer: str | None) -> AsyncIterator[DeadLetter]:
        """Read the dead letters, oldest first."""

    async def dead_letter(self, letter_id: str) -> DeadLetter:
        """Return one. Raises `DeadLetterNotFoundError`."""

    async def replay(self, letter: DeadLetter) -> None:
        """Hand it to its consumer again, and to no other."""

    async def discard(self, letter_id: str) -> None:
        """Remove it. Raises `DeadLetterNotFoundError`."""
