"""A message of NATS that waits for an answer."""

from collections.abc import Awaitable, Callable
from contextlib import suppress

from faststream.nats.message import NatsMessage

from maestro_core_messaging._nats._failures import NETWORK
from maestro_core_messaging._replays import original_subject


class NatsDelivery:
    """A message that waits for an answer.

    An answer that cannot be sent is no error: the message comes again, and is then recognised.

    Args:
        message: As FastStream hands it out.
        answered: Told once it has an answer, and whether it is done with.
        is_ours: Tells whether this instance may still handle it.
    """

    def __init__(
        self, message: NatsMessage, answered: Callable[["NatsDelivery", bool], None], is_ours: Callable[[], bool]
    ) -> None:
        about = message.raw_message.metadata
        self.subject = original_subject(message.raw_message.subject, message.headers)
        self.body = message.raw_message.data
        self.sequence = about.sequence.stream
        self.delivered = about.num_delivered
        self._message = message
        self._answered = answered
        self._is_ours = is_ours

    @property
    def is_ours(self) -> bool:
        """Whether this instance may still handle it."""
        return self._is_ours()

    def came_again(self, message: NatsMessage) -> None:
        """Answer this one instead: the server has handed it out once more while it is here."""
        self._message = message

    async def ack(self) -> None:
        """It is done with."""
        self._answered(self, True)
        await _sent(self._message.ack())

    async def nak(self, delay_s: float = 0.0) -> None:
        """It shall come again."""
        self._answered(self, False)
        await _sent(self._message.nack(delay=delay_s or None))

    async def still_at_work(self) -> None:
        """Tell the server not to hand it to anybody else."""
        await _sent(self._message.in_progress())


async def _sent(sending: Awaitable[None]) -> None:
    with suppress(*NETWORK):
        await sending
