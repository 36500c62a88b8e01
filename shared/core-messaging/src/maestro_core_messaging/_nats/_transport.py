"""Events over NATS JetStream."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any, Final, NoReturn

from maestro_core_messaging._dead_letter import DeadLetter
from maestro_core_messaging._errors import BrokerUnavailableError, EventTooLargeError, InvalidEventError
from maestro_core_messaging._event import CONTENT_TYPE
from maestro_core_messaging._nats._connection import Connection
from maestro_core_messaging._nats._consuming import NatsConsuming
from maestro_core_messaging._nats._failures import explained
from maestro_core_messaging._nats._graveyard import LETTER_BYTES, Graveyard
from maestro_core_messaging._nats._streams import EVENTS
from maestro_core_messaging._nats._tail import tail
from maestro_core_messaging._redelivery import RedeliveryPolicy
from maestro_core_messaging._replays import ORIGINAL_SUBJECT, replay_subject
from maestro_core_messaging._settings import MessagingSettings
from maestro_core_messaging._transport import ConsumerSpec, OpenIntake, Outgoing, Receipt, Stored, Streams

_ATTEMPT_S: Final = 2.0
_CHECK_S: Final = 2.0
_MESSAGE_ID: Final = "Nats-Msg-Id"
_ADDED_BYTES: Final = 256
"""What FastStream and the client add: the beginning of the headers, `correlation_id`, `Nats-Expected-Stream`."""
_LEAST_LIMIT_BYTES: Final = 65_536
_LONGEST_SUBJECT: Final = 1_024
"""The server closes the connection after a command of more than 4096 bytes, of which the subject is a part."""
_AGAIN: Final = RedeliveryPolicy(initial_delay=timedelta(milliseconds=50), max_delay=timedelta(seconds=1))


class NatsTransport:
    """Carries events over NATS.

    Args:
        connection: To the server.
        publish_timeout_s: How long publishing tries.
    """

    def __init__(self, connection: Connection, publish_timeout_s: float) -> None:
        self.server = connection.server
        self._connection = connection
        self._publish_timeout_s = publish_timeout_s
        self._graveyard = Graveyard(connection, self._publish_to)

    @classmethod
    @asynccontextmanager
    async def opened(
        cls, settings: MessagingSettings, service_name: str, streams: Streams
    ) -> AsyncIterator["NatsTransport"]:
        """Connect, and make the streams that are not there or expect all to be."""
        async with Connection.opened(settings, service_name, streams) as connection:
            yield cls(connection, settings.messaging_publish_timeout_s)

    async def publish(self, message: Outgoing) -> Receipt:
        """Publish; returns when the server has acknowledged it."""
        # It must also fit with the headers that it gets as a dead letter.
        spare_bytes = LETTER_BYTES if self._connection.client.max_payload >= _LEAST_LIMIT_BYTES else 0
        return await self._publish_to(EVENTS, message, spare_bytes)

    def consume(self, spec: ConsumerSpec, open_intake: OpenIntake) -> NatsConsuming:
        """Begin to consume in the background."""
        return NatsConsuming(self._connection, spec, open_intake)

    async def check(self) -> None:
        """Raise `BrokerUnavailableError` unless the server takes events now."""
        if self._connection.is_gone:
            await self._connection.lost()
        if not self._connection.client.is_connected:
            raise BrokerUnavailableError(f"not connected to {self.server}; trying again", server=self.server)
        with explained(self.server, "looking at the stream"):
            async with asyncio.timeout(_CHECK_S):
                await self._connection.jetstream.stream_info(EVENTS)

    async def lost(self) -> NoReturn:
        """Wait until the connection is gone for good."""
        await self._connection.lost()

    def tail(self, subjects: Sequence[str], *, since: datetime | None) -> AsyncGenerator[Stored, None]:
        """Follow what is published."""
        return tail(self._connection, subjects, since)

    async def bury(self, letter: DeadLetter) -> None:
        """Keep a dead letter."""
        await self._graveyard.bury(letter)

    def dead_letters(self, consumer: str | None) -> AsyncIterator[DeadLetter]:
        """Read the dead letters, oldest first."""
        return self._graveyard.each(consumer)

    async def dead_letter(self, letter_id: str) -> DeadLetter:
        """Return one."""
        return await self._graveyard.get(letter_id)

    async def replay(self, letter: DeadLetter) -> None:
        """Hand it to its consumer again, and to no other."""
        headers = {ORIGINAL_SUBJECT: letter.subject}
        again = Outgoing(replay_subject(letter.consumer), letter.body, f"replay:{letter.id}", headers)
        await self._publish_to(EVENTS, again)

    async def discard(self, letter_id: str) -> None:
        """Remove it."""
        await self._graveyard.discard(letter_id)

    async def _publish_to(self, stream: str, message: Outgoing, spare_bytes: int = 0) -> Receipt:
        headers = {**message.headers, _MESSAGE_ID: message.message_id, "content-type": CONTENT_TYPE}
        self._check_size(message, headers, spare_bytes)
        failure: BrokerUnavailableError | None = None
        try:
            async with asyncio.timeout(self._publish_timeout_s):
                for attempt in range(1, 1_000_000):
                    try:
                        return await self._once(stream, message, headers)
                    except BrokerUnavailableError as error:
                        failure = error
                    # The server knows the message by its id, so that sending it again never doubles it.
                    await asyncio.sleep(_AGAIN.delay_s(attempt))
        except TimeoutError:
            pass
        raise failure or BrokerUnavailableError(
            f"publishing on {message.subject}: the server {self.server} has not acknowledged it "
            f"within {self._publish_timeout_s:g} s; publish it again with the same id",
            server=self.server,
        )

    def _check_size(self, message: Outgoing, headers: Mapping[str, str], spare_bytes: int) -> None:
        # The server closes the connection when it gets more than it takes, and the client would not come back.
        if len(message.subject) > _LONGEST_SUBJECT:
            raise InvalidEventError(
                f"the subject {message.subject[:100]}… has {len(message.subject)} characters; at most {_LONGEST_SUBJECT} "
                "are taken",
                event_type=message.subject,
            )
        headers_bytes = sum(len(f"{name}: {value}\r\n".encode()) for name, value in headers.items()) + _ADDED_BYTES
        size_bytes = len(message.body) + max(headers_bytes, spare_bytes)
        limit_bytes = self._connection.client.max_payload
        if size_bytes > limit_bytes:
            raise EventTooLargeError(event_type=message.subject, size_bytes=size_bytes, limit_bytes=limit_bytes)

    async def _once(self, stream: str, message: Outgoing, headers: dict[str, Any]) -> Receipt:
        with explained(self.server, f"publishing on {message.subject}"):
            answer = await self._connection.broker.publish(
                message.body, message.subject, headers=headers, stream=stream, timeout=_ATTEMPT_S
            )
        return Receipt(answer.seq, duplicate=bool(answer.duplicate))
