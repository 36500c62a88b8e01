"""A durable consumer at work, over and over again until it is stopped."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from faststream.middlewares import AckPolicy
from faststream.nats import JStream, PullSub
from faststream.nats.message import NatsMessage
from faststream.nats.subscriber.usecases import PullStreamSubscriber
from nats.errors import ConnectionClosedError
from nats.js.errors import NoStreamResponseError, ServiceUnavailableError

from maestro_core_logging import get_logger
from maestro_core_messaging._errors import MessagingError
from maestro_core_messaging._nats._arrivals import Arrivals
from maestro_core_messaging._nats._connection import Connection
from maestro_core_messaging._nats._failures import explained
from maestro_core_messaging._nats._lease import Lease
from maestro_core_messaging._nats._position import Position
from maestro_core_messaging._nats._streams import EVENTS
from maestro_core_messaging._transport import ConsumerSpec, OpenIntake

_PULL_S: Final = 0.5
"""How long one request for a message lasts; stopping waits for its end, so that nothing is on its way to nobody."""
_AGAIN_S: Final = 0.5
_logger = get_logger(__name__)


class NatsConsuming:
    """A consumer at work.

    Args:
        connection: To the server.
        spec: The consumer.
        open_intake: Takes what it gets.
    """

    def __init__(self, connection: Connection, spec: ConsumerSpec, open_intake: OpenIntake) -> None:
        self.started = asyncio.Event()
        self.active = False
        self.problem: str | None = None
        self._connection = connection
        self._spec = spec
        self._open_intake = open_intake
        self._position = Position(connection, spec)
        self._stopping = asyncio.Event()
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Take no more, finish what runs, give back what waits."""
        self._stopping.set()
        await self._task

    async def lag(self) -> int:
        """Return how many events are not handled yet."""
        info = await self._position.info()
        return (info.num_pending or 0) + (info.num_ack_pending or 0)

    async def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                await self._position.ensure()
                self.started.set()
                self.problem = None
                await self._in_turn()
            except MessagingError as error:
                await self._pause(error, error.code)
            except Exception as error:  # noqa: BLE001  # whatever it is: a consumer that ends in silence is worse
                await self._pause(error, type(error).__name__)

    async def _pause(self, error: Exception, code: str) -> None:
        if self.problem is None:
            _logger.warning(
                "A consumer cannot work", consumer=self._spec.name, error=f"{type(error).__name__}: {error}"
            )
        self.problem = code
        with suppress(TimeoutError):
            async with asyncio.timeout(_AGAIN_S):
                await self._stopping.wait()

    async def _in_turn(self) -> None:
        if self._spec.ordering == "none":
            await self._work(_always)
            return
        lease = Lease(self._connection, self._spec.name)
        async with lease.held(self._stopping) as is_held:
            if is_held:
                await self._work(lease.is_ours)
                if not lease.is_ours():
                    _logger.warning("Another instance may work for the consumer now", consumer=self._spec.name)

    async def _work(self, is_ours: Callable[[], bool]) -> None:
        subscriber = self._connection.broker.subscriber(
            self._spec.subjects[0],
            durable=self._spec.name,
            stream=JStream(EVENTS, declare=False),
            pull_sub=PullSub(),
            ack_policy=AckPolicy.MANUAL,
            persistent=False,
        )
        await subscriber.start()
        try:
            heartbeat_s = self._spec.ack_wait.total_seconds() / 3
            arrivals = Arrivals(self._position, ordered=self._spec.ordering == "key", is_ours=is_ours)
            async with arrivals.beating(heartbeat_s), self._open_intake() as intake, arrivals.handed_to(intake):
                self.active = True
                while is_ours() and not self._stopping.is_set():
                    message = await self._next(subscriber)
                    if message is not None:
                        await arrivals.take(message)
        finally:
            self.active = False
            await subscriber.stop()

    async def _next(self, subscriber: PullStreamSubscriber) -> NatsMessage | None:
        with explained(self._connection.server, f"consuming as {self._spec.name}"):
            if self._connection.client.is_closed:
                # FastStream gives None at once then, and asking again and again would leave nobody else a turn.
                raise ConnectionClosedError
            try:
                return await subscriber.get_one(timeout=_PULL_S)
            except (ServiceUnavailableError, NoStreamResponseError):
                # A server that has just come back has no JetStream for a moment.
                await asyncio.sleep(_AGAIN_S)
                return None


def _always() -> bool:
    return True
