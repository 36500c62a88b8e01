"""How far a consumer is, as the server knows it."""

from collections.abc import Collection
from typing import Final

from nats.js.api import AckPolicy, ConsumerConfig, ConsumerInfo, DeliverPolicy
from nats.js.errors import NotFoundError

from maestro_core_messaging._errors import MessagingError
from maestro_core_messaging._nats._connection import Connection
from maestro_core_messaging._nats._failures import explained
from maestro_core_messaging._nats._streams import EVENTS
from maestro_core_messaging._replays import replay_subject
from maestro_core_messaging._transport import ConsumerSpec

_MOST_ASKED: Final = 20_000


class Position:
    """A durable consumer on the server.

    Args:
        connection: To the server.
        spec: The consumer.
    """

    def __init__(self, connection: Connection, spec: ConsumerSpec) -> None:
        self._connection = connection
        self._spec = spec

    async def ensure(self) -> None:
        """Make the consumer, or bring it to what its spec says; where it stands stays."""
        spec = self._spec
        with explained(self._connection.server, f"making the consumer {spec.name}"):
            streams = self._connection.jetstream
            try:
                config = (await streams.consumer_info(EVENTS, spec.name)).config
            except NotFoundError:
                config = ConsumerConfig(
                    name=spec.name,
                    durable_name=spec.name,
                    deliver_policy=DeliverPolicy.ALL if spec.start == "all" else DeliverPolicy.NEW,
                    ack_policy=AckPolicy.EXPLICIT,
                    max_deliver=-1,
                )
            wanted = config.evolve(
                filter_subjects=[*spec.subjects, replay_subject(spec.name)],
                ack_wait=spec.ack_wait.total_seconds(),
                max_ack_pending=spec.max_in_flight,
            )
            if wanted != config:
                await streams.add_consumer(EVENTS, wanted)

    async def info(self) -> ConsumerInfo:
        """Ask the server."""
        with explained(self._connection.server, f"looking at the consumer {self._spec.name}"):
            found: ConsumerInfo = await self._connection.jetstream.consumer_info(EVENTS, self._spec.name)
        return found

    async def missing(self, here: Collection[int]) -> frozenset[int] | None:
        """Tell what the server has handed out, waits for, and is not here.

        Args:
            here: Numbers in the stream of what is here.

        Returns:
            Numbers, among which the missing ones are; empty when nothing is; None when the server cannot tell now.
        """
        try:
            info = await self.info()
        except MessagingError:
            return None
        floor = info.ack_floor.stream_seq if info.ack_floor else 0
        newest = info.delivered.stream_seq if info.delivered else 0
        # What came while the server was asked is here and not in its answer: counted, it would hide one that is missing.
        if (info.num_ack_pending or 0) <= sum(sequence <= newest for sequence in here):
            return frozenset()
        return frozenset(range(floor + 1, min(newest, floor + _MOST_ASKED) + 1)).difference(here)

    async def ask_for(self, sequences: Collection[int]) -> None:
        """Let the server hand them out now, instead of when whoever had them has not answered in time.

        That is a negative acknowledgement in the name of whoever had them, which only the one instance at work may give.
        Those that are not waited for are ignored by the server.

        Args:
            sequences: Numbers in the stream.
        """
        info = await self.info()
        newest = info.delivered.consumer_seq if info.delivered else 0
        with explained(self._connection.server, "asking for what was handed out before"):
            for sequence in sorted(sequences):
                # The form of these subjects: NATS ADR-15.
                await self._connection.client.publish(
                    f"$JS.ACK.{EVENTS}.{self._spec.name}.1.{sequence}.{newest}.0.0", b"-NAK"
                )
