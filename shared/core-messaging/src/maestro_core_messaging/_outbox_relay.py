"""Publishing what is in an outbox: at least once, in the order of each key."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Generic

from maestro_core_logging import get_logger
from maestro_core_messaging._broker import Broker
from maestro_core_messaging._errors import BrokerUnavailableError, MessagingError
from maestro_core_messaging._outbox_source import E, OutboxSource
from maestro_core_messaging._redelivery import RedeliveryPolicy

_AWAY: Final = RedeliveryPolicy(initial_delay=timedelta(milliseconds=200), max_delay=timedelta(seconds=15))
_logger = get_logger(__name__)


class OutboxRelay(Generic[E]):
    """Publishes events of an outbox until it is stopped.

    An event whose relay dies after it was published is published again, with the same id: the server takes it once, and so
    does each consumer. While the server is away nothing is taken from the outbox; a single event that the server does not
    take holds up its key and no other.

    Example:
        >>> async def serve(outbox, broker):
        ...     async with OutboxRelay(outbox, broker).at_work():
        ...         ...  # requests are answered here

    Args:
        source: The outbox.
        broker: Where events go.
        batch: How many events are claimed at once.
        lease: How long they are this relay's.
        idle: How long it waits at most before it looks for events that other processes have added.
        concurrency: How many events of different keys are published at once.
    """

    def __init__(
        self,
        source: OutboxSource[E],
        broker: Broker,
        *,
        batch: int = 100,
        lease: timedelta = timedelta(seconds=30),
        idle: timedelta = timedelta(seconds=1),
        concurrency: int = 16,
    ) -> None:
        self._source = source
        self._broker = broker
        self._batch = batch
        self._lease = lease
        self._idle = idle
        self._room = asyncio.Semaphore(concurrency)
        self._failures = 0
        self._measured_at = float("-inf")

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator["OutboxRelay[E]"]:
        """Publish while a block runs; at its end the events at work are finished or given back."""
        stopping = asyncio.Event()
        task = asyncio.create_task(self._run(stopping))
        try:
            yield self
        finally:
            stopping.set()
            await task

    async def relay_once(self) -> int:
        """Publish what is due now, one portion.

        Returns:
            How many events were published.

        Raises:
            BrokerUnavailableError: The server is away; what was claimed is given back.
        """
        entries = await self._source.claim(self._batch, self._lease)
        lanes: dict[object, list[E]] = {}
        for entry in entries:
            lanes.setdefault(object() if entry.key is None else entry.key, []).append(entry)
        # What is not tried by then is given back, before somebody else has it as well.
        deadline = time.monotonic() + self._lease.total_seconds() / 2
        outcomes = await asyncio.gather(*(self._publish(lane, deadline) for lane in lanes.values()))
        published = [entry for outcome in outcomes for entry in outcome.published]
        await self._source.done(published)
        for outcome in outcomes:
            if outcome.refused is not None:
                await self._source.failed(*outcome.refused)
        await self._source.released([entry for outcome in outcomes for entry in outcome.untried])
        for outcome in outcomes:
            if outcome.away is not None:
                raise outcome.away
        return len(published)

    async def _publish(self, lane: list[E], deadline: float) -> "_Outcome[E]":
        for position, entry in enumerate(lane):
            async with self._room:
                if time.monotonic() > deadline:
                    return _Outcome(lane[:position], untried=lane[position:])
                try:
                    await self._broker.publish_raw(entry.event_json.encode(), entry.subject)
                except BrokerUnavailableError as error:
                    return _Outcome(lane[:position], untried=lane[position:], away=error)
                except MessagingError as error:
                    _logger.error(
                        "An event of the outbox is not taken by the server, and holds up its key",
                        subject=entry.subject,
                        key=entry.key,
                        attempts=entry.attempts + 1,
                        code=error.code,
                        error=str(error),
                    )
                    return _Outcome(lane[:position], refused=(entry, f"{error.code}: {error}"))
        return _Outcome(lane)

    async def _run(self, stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            try:
                await self._measure()
                published = await self.relay_once()
                self._failures = 0
            except Exception as error:  # noqa: BLE001  # whatever keeps it from working now may be over soon
                self._failures += 1
                if self._failures == 1:
                    _logger.warning(
                        "The outbox waits", server=self._broker.server, error=f"{type(error).__name__}: {error}"
                    )
                with suppress(TimeoutError):
                    async with asyncio.timeout(_AWAY.delay_s(self._failures)):
                        await stopping.wait()
                continue
            if not published:
                arrival = asyncio.ensure_future(self._source.arrived(self._idle))
                stop = asyncio.ensure_future(stopping.wait())
                await asyncio.wait((arrival, stop), return_when=asyncio.FIRST_COMPLETED)
                for waiting in (arrival, stop):
                    waiting.cancel()
                await asyncio.gather(arrival, stop, return_exceptions=True)

    async def _measure(self) -> None:
        # Counting an outbox costs a query; once a second is enough for a metric.
        if time.monotonic() - self._measured_at >= 1:
            self._measured_at = time.monotonic()
            state = await self._source.state()
            self._broker.metrics.outbox(state.pending, state.oldest_age.total_seconds())


@dataclass(frozen=True)
class _Outcome(Generic[E]):
    published: Sequence[E]
    untried: Sequence[E] = ()
    refused: tuple[E, str] | None = None
    away: BrokerUnavailableError | None = None
