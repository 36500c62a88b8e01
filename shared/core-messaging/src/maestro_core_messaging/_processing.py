"""What happens to one delivery: read, checked, handled once, answered."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from opentelemetry.trace import Span, Status, StatusCode

from maestro_core_logging import get_logger
from maestro_core_messaging._dead_letter import DeadLetter
from maestro_core_messaging._errors import (
    IncompatibleEventError,
    MessagingError,
    RejectEventError,
    RetryEventError,
    UnreadableEventError,
)
from maestro_core_messaging._event import Event, read_event
from maestro_core_messaging._lanes import Lanes
from maestro_core_messaging._metrics import MessagingMetrics
from maestro_core_messaging._processed import ProcessedEvents
from maestro_core_messaging._reading import read_as
from maestro_core_messaging._subscription import Subscription
from maestro_core_messaging._transport import Delivery, Intake, Transport
from maestro_core_monitoring import continued_trace, current_trace_id

_TOO_MANY: Final = "TOO_MANY_DELIVERIES"
_DETAIL_CHARACTERS: Final = 2_000
_BURIAL_RETRY_S: Final = 1.0
_logger = get_logger(__name__)


@dataclass
class _Arrived:
    delivery: Delivery
    event: Event[Any] | UnreadableEventError
    letter: DeadLetter | None = None
    """Set once it has failed for good: from then on only its burial is tried."""
    took_s: float = 0.0


class Processing:
    """Handles the deliveries of one consumer.

    Args:
        consumer: Its full name.
        subscription: What it was declared with.
        transport: Where dead letters go.
        processed: Which events were handled already.
        metrics: Where it is counted.
        grace: How long closing waits for subscribers that run.
    """

    def __init__(
        self,
        consumer: str,
        subscription: Subscription,
        transport: Transport,
        *,
        processed: ProcessedEvents[Any],
        metrics: MessagingMetrics,
        grace: timedelta,
    ) -> None:
        self._consumer = consumer
        self._subscription = subscription
        self._transport = transport
        self._processed = processed
        self._metrics = metrics
        self._grace = grace
        self._limit_s = None if subscription.timeout is None else subscription.timeout.total_seconds()
        self._takes_resource = subscription.takes_resource

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Intake]:
        """Handle deliveries until the block ends; then finish what runs, and give back what waits."""
        lanes = Lanes(self._attempt, _give_back, concurrency=self._subscription.concurrency, grace=self._grace)
        ordered = self._subscription.ordering == "key"

        async def take(delivery: Delivery) -> None:
            try:
                event: Event[Any] | UnreadableEventError = read_event(delivery.body)
            except UnreadableEventError as error:
                event = error
            key = event.key if ordered and isinstance(event, Event) else None
            await lanes.offer(key, _Arrived(delivery, event))

        async with lanes.opened():
            yield take

    async def _attempt(self, arrived: _Arrived, tried_here: int) -> float | None:
        if not arrived.delivery.is_ours:
            await _give_back(arrived)
            return None
        if arrived.letter is not None:
            return await self._keep(arrived, arrived.letter)
        event, delivery = arrived.event, arrived.delivery
        delivered = delivery.delivered + tried_here
        if isinstance(event, UnreadableEventError):
            return await self._bury(arrived, event.code, str(event), delivered, began=None)
        began = time.perf_counter()
        attributes: dict[str, str | int] = {
            "messaging.system": "nats",
            "messaging.operation.name": "process",
            "messaging.operation.type": "process",
            "messaging.destination.name": delivery.subject,
            "messaging.consumer.group.name": self._consumer,
            "messaging.message.id": event.id,
            "maestro.delivery": delivered,
        }
        with continued_trace(event.extensions, f"process {delivery.subject}", attributes=attributes) as span:
            try:
                outcome = await self._handle(arrived, event, delivered)
            except _NotOursError as error:
                _mark(span, error)
                _logger.warning(
                    "An event is given back: another instance may have it by now",
                    consumer=self._consumer,
                    event_type=event.type,
                    event_id=event.id,
                )
                await _give_back(arrived)
                return None
            except (IncompatibleEventError, RejectEventError) as error:
                _mark(span, error)
                return await self._bury(arrived, error.code, str(error), delivered, began)
            except asyncio.CancelledError as error:
                task = asyncio.current_task()
                if task is None or task.cancelling():
                    raise
                # Nobody has cancelled this task: something that the subscriber waited for was cancelled.
                _mark(span, error)
                return await self._failed(arrived, event, error, delivered, began)
            except Exception as error:  # noqa: BLE001  # whatever a subscriber raises is a failed attempt
                _mark(span, error)
                return await self._failed(arrived, event, error, delivered, began)
        await delivery.ack()
        self._metrics.consumed(self._consumer, outcome, time.perf_counter() - began)
        return None

    async def _handle(self, arrived: _Arrived, event: Event[Any], delivered: int) -> str:
        limit = self._subscription.redelivery.max_deliveries
        if delivered > limit:
            raise _ExhaustedError(
                f"delivered {delivered - 1} times and never answered; the process may have died of it each time"
            )
        wanted = self._subscription.type_of(event)
        typed = event if wanted is None else read_as(event, wanted)
        async with asyncio.timeout(self._limit_s), self._processed.once(self._consumer, event.identity) as once:
            if not once.new:
                return "duplicate"
            if self._takes_resource:
                await self._subscription.handler(typed, once.resource)
            else:
                await self._subscription.handler(typed)
            # What stands in a transaction can be taken back. Other effects are there, and are acknowledged.
            if self._subscription.processed is not None and not arrived.delivery.is_ours:
                raise _NotOursError
        return "handled"

    async def _failed(
        self, arrived: _Arrived, event: Event[Any], error: BaseException, delivered: int, began: float
    ) -> float | None:
        policy = self._subscription.redelivery
        told = _told(error)
        if delivered >= policy.max_deliveries:
            detail = f"tried {delivered} times; the last time: {told}"
            return await self._bury(arrived, _TOO_MANY, detail, delivered, began)
        chosen = error.after_s if isinstance(error, RetryEventError) else None
        delay_s = policy.delay_s(delivered) if chosen is None else chosen
        self._metrics.redelivered(self._consumer)
        _logger.warning(
            "An event could not be handled and will come again",
            consumer=self._consumer,
            event_type=event.type,
            event_id=event.id,
            delivery=delivered,
            of=policy.max_deliveries,
            again_in_s=round(delay_s, 3),
            error=told,
        )
        if self._subscription.ordering == "key":
            return delay_s
        await arrived.delivery.nak(delay_s)
        return None

    async def _bury(
        self, arrived: _Arrived, reason: str, detail: str, delivered: int, began: float | None
    ) -> float | None:
        delivery, event = arrived.delivery, arrived.event if isinstance(arrived.event, Event) else None
        arrived.took_s = 0.0 if began is None else time.perf_counter() - began
        arrived.letter = DeadLetter(
            id="",
            consumer=self._consumer,
            subject=delivery.subject,
            sequence=delivery.sequence,
            body=delivery.body,
            reason=reason,
            detail=detail[:_DETAIL_CHARACTERS],
            deliveries=delivered,
            died_at=datetime.now(UTC),
            trace_id=current_trace_id(),
            event_id=None if event is None else event.id,
            key=None if event is None else event.key,
        )
        return await self._keep(arrived, arrived.letter)

    async def _keep(self, arrived: _Arrived, letter: DeadLetter) -> float | None:
        try:
            await self._transport.bury(letter)
        except MessagingError as error:
            _logger.warning("A dead letter cannot be kept yet", consumer=self._consumer, error=str(error))
            return _BURIAL_RETRY_S
        await arrived.delivery.ack()
        self._metrics.died(self._consumer, letter.reason)
        self._metrics.consumed(self._consumer, "dead", arrived.took_s)
        _logger.error(
            "An event went to the dead letters",
            consumer=self._consumer,
            subject=letter.subject,
            event_id=letter.event_id,
            reason=letter.reason,
            detail=letter.detail,
            deliveries=letter.deliveries,
        )
        return None


class _NotOursError(Exception):
    """Another instance may be at work for the consumer."""


class _ExhaustedError(Exception):
    """The deliveries are used up without an attempt of this process."""


async def _give_back(arrived: _Arrived) -> None:
    # Without an answer it comes again as well, only later.
    with suppress(MessagingError):
        await arrived.delivery.nak()


def _told(error: BaseException) -> str:
    if isinstance(error, TimeoutError) and not str(error):
        return "it took too long (TimeoutError)"
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def _mark(span: Span, error: BaseException) -> None:
    span.record_exception(error)
    span.set_status(Status(StatusCode.ERROR, type(error).__name__))
