"""The one object through which a service publishes and hears events."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AbstractContextManager, AsyncExitStack, asynccontextmanager
from datetime import datetime, timedelta
from typing import Any, NoReturn, TypeVar

from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind

from maestro_core_logging import get_logger
from maestro_core_messaging._dead_letters import DeadLetters
from maestro_core_messaging._errors import (
    BrokerClosedError,
    BrokerUnavailableError,
    InvalidEventError,
    InvalidSubscriptionError,
    MessagingError,
)
from maestro_core_messaging._event import Event, read_event, write_event
from maestro_core_messaging._event_type import SUBJECT, EventType
from maestro_core_messaging._memory._server import MemoryServer
from maestro_core_messaging._metrics import MessagingMetrics
from maestro_core_messaging._new_event import new_event
from maestro_core_messaging._processed import MemoryProcessedEvents
from maestro_core_messaging._processing import Processing
from maestro_core_messaging._settings import MessagingSettings
from maestro_core_messaging._subscription import Subscription
from maestro_core_messaging._subscriptions import Subscriptions
from maestro_core_messaging._transport import ConsumerSpec, Consuming, Outgoing, Receipt, Stored, Streams, Transport
from maestro_core_messaging._transports import opened_transport
from maestro_core_monitoring import HealthCheckError, MetricsCollector, extract

D = TypeVar("D")
_TRACER = trace.get_tracer("maestro_core_messaging")
_logger = get_logger(__name__)


class Broker(Subscriptions):
    """Publishes events of this service, and brings it those that it has subscribed to.

    Made by `Broker.opened`.

    Attributes:
        service_name: The service whose events it publishes.
        dead_letters: What consumers could not handle.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        service_name: str,
        metrics: MessagingMetrics,
        settings: MessagingSettings,
        drain: timedelta,
    ) -> None:
        super().__init__()
        self.service_name = service_name
        self.dead_letters = DeadLetters(transport)
        self.metrics = metrics
        self._transport = transport
        self._settings = settings
        self._drain = drain
        self._processed = MemoryProcessedEvents()
        self._consuming: dict[str, Consuming] = {}
        self._published: dict[tuple[str, int], EventType[Any]] = {}
        self._closed = False

    @classmethod
    @asynccontextmanager
    async def opened(
        cls,
        settings: MessagingSettings | str | None = None,
        *,
        service_name: str,
        metrics: MetricsCollector | None = None,
        memory: MemoryServer | None = None,
        drain: timedelta = timedelta(seconds=10),
        lag_interval: timedelta = timedelta(seconds=10),
        streams: Streams = "make",
    ) -> AsyncIterator["Broker"]:
        """Connect, and make the streams when they are not there yet.

        Args:
            settings: The service's configuration, or an address; None is `memory://`.
            service_name: The service that publishes and consumes. Its consumers are `<service_name>_<durable>`.
            metrics: Where events are counted.
            memory: A server in this process, to be shared by several brokers; then the address does not matter.
            drain: How long closing waits for subscribers that run; what they had is then given back.
            lag_interval: How often the lag of consumers is looked up.
            streams: `expect` makes none, for those who only look.

        Yields:
            The broker. Leaving the block takes no more events, finishes those at work and gives back the rest.

        Raises:
            BrokerUnavailableError: The server does not answer in time.
            BrokerRefusedError: The server does not let this service in.
            JetStreamUnavailableError: The server answers and keeps no streams.
            StreamsMissingError: Streams are expected, and are not there.
        """
        chosen = settings if isinstance(settings, MessagingSettings) else MessagingSettings(messaging_url=settings)
        async with AsyncExitStack() as stack:
            transport = await stack.enter_async_context(opened_transport(chosen, service_name, memory, streams))
            counted = MessagingMetrics(metrics, service_name)
            broker = cls(transport, service_name=service_name, metrics=counted, settings=chosen, drain=drain)
            stack.push_async_callback(broker._close)
            watching = asyncio.create_task(broker._watch_lag(lag_interval.total_seconds()))
            stack.callback(watching.cancel)
            yield broker

    @property
    def server(self) -> str:
        """Address of the server, without credentials."""
        return self._transport.server

    @property
    def event_types(self) -> tuple[EventType[Any], ...]:
        """The types that this service has said it publishes, or has published."""
        return tuple(self._published.values())

    def publishes(self, *event_types: EventType[Any]) -> None:
        """Say what this service publishes; the AsyncAPI document then shows it before anything has happened.

        Raises:
            InvalidEventError: It is the event of another service.
        """
        for event_type in event_types:
            if event_type.service != self.service_name:
                raise InvalidEventError(
                    f"{event_type.name} is an event of {event_type.service}; {self.service_name} publishes only its own, "
                    f"{self.service_name}.<event>",
                    event_type=event_type.name,
                )
            self._published.setdefault((event_type.name, event_type.version), event_type)

    async def publish(
        self,
        event_type: EventType[D],
        data: D,
        *,
        key: str | None = None,
        subject: str | None = None,
        event_id: str | None = None,
        time: datetime | None = None,
        extensions: dict[str, str] | None = None,
    ) -> Event[D]:
        """Publish an event; the server has it in its file when this returns.

        That outlives the server's process, and a power cut if the server has `sync_interval: always` or the stream replicas.

        For what must happen exactly when a transaction commits use an outbox: `event`, `write_event`, `OutboxRelay`.

        Args:
            event_type: What kind of event.
            data: Checked against the type.
            key: Events of one key stay in order, for consumers with `ordering="key"`.
            subject: What it is about, within this service.
            event_id: None makes one. The same id again is the same event and is taken once.
            time: When it happened; None is now.
            extensions: Further attributes of the CloudEvent: names in lower case letters and digits.

        Returns:
            The event.

        Raises:
            InvalidEventError: The data does not fit, or it is the event of another service.
            EventTooLargeError: It is larger than the server takes.
            BrokerUnavailableError: The server did not acknowledge it in time. Publish it again with the same `event_id`.
            BrokerClosedError: The broker is closed.
        """
        with self._publishing(event_type.subject) as span:
            event = self.event(
                event_type, data, key=key, subject=subject, event_id=event_id, time=time, extensions=extensions
            )
            span.set_attribute("messaging.message.id", event.id)
            await self._send(event_type.subject, write_event(event), event.identity, event_type.name)
        return event.with_data(data, event.dataschema)

    def event(
        self,
        event_type: EventType[D],
        data: D,
        *,
        key: str | None = None,
        subject: str | None = None,
        event_id: str | None = None,
        time: datetime | None = None,
        extensions: dict[str, str] | None = None,
    ) -> Event[Any]:
        """Make an event without publishing it, for an outbox: `write_event(broker.event(…))`; see also `new_event`.

        Args:
            event_type: What kind of event.
            data: Checked against the type.
            key: See `publish`.
            subject: See `publish`.
            event_id: See `publish`.
            time: See `publish`.
            extensions: See `publish`.

        Returns:
            The event, with its data as JSON values, in the trace that runs here.

        Raises:
            InvalidEventError: The data does not fit, or it is the event of another service.
        """
        self.publishes(event_type)
        return new_event(
            event_type, data, key=key, subject=subject, event_id=event_id, time=time, extensions=extensions
        )

    async def publish_raw(self, body: bytes, subject: str) -> Receipt:
        """Publish an event that is written already, as it is; an outbox relay does.

        Args:
            body: A CloudEvent 1.0 in JSON.
            subject: Where.

        Raises:
            UnreadableEventError: It is no CloudEvent.
            InvalidEventError: The subject is none of an event.
            BrokerUnavailableError: The server did not acknowledge it in time.
        """
        event = read_event(body)
        if not SUBJECT.fullmatch(subject):
            raise InvalidEventError(
                f"{subject!r} is no subject of an event; write maestro.<service>.<event>", event_type=event.type
            )
        with self._publishing(subject, event) as span:
            span.set_attribute("messaging.message.id", event.id)
            return await self._send(subject, body, event.identity, subject.removeprefix("maestro."))

    def include(self, subscriptions: Subscriptions) -> None:
        """Put subscribers to work that were declared elsewhere.

        Raises:
            InvalidSubscriptionError: There is a consumer of one of their names already.
        """
        for subscription in subscriptions.declared:
            self._add(subscription)

    async def subscribed(self) -> None:
        """Wait until every consumer exists on the server: from then on it misses nothing."""
        for consuming in tuple(self._consuming.values()):
            await consuming.started.wait()

    async def check(self) -> None:
        """Check for readiness: `health.add("events", broker.check)`.

        Raises:
            HealthCheckError: The server does not take events, or a consumer cannot work.
        """
        try:
            await self._transport.check()
        except BrokerUnavailableError as error:
            raise HealthCheckError(f"events cannot be published: {error.code}") from error
        for name, consuming in self._consuming.items():
            if consuming.problem is not None:
                raise HealthCheckError(f"the consumer {name} does not work: {consuming.problem}")

    async def lost(self) -> NoReturn:
        """Wait until the connection is gone for good: a service that publishes by itself then opens another broker.

        A server that is away is waited for and is not meant; its client gives up after errors that the server tells, such as
        credentials that have expired.

        Raises:
            BrokerUnavailableError: It is gone.
        """
        await self._transport.lost()

    async def lag(self, durable: str) -> int:
        """Return how many events a consumer of this service has not handled yet.

        Args:
            durable: Its name.
        """
        return await self._consuming[self.consumer_name(durable)].lag()

    def consumer_name(self, durable: str) -> str:
        """Return the full name of a consumer of this service."""
        return f"{self.service_name}_{durable}"

    def tail(self, *subjects: str, since: datetime | None = None) -> AsyncGenerator[Stored, None]:
        """Follow what is published, without being a consumer; close it at the end: `async with aclosing(broker.tail()) as events`.

        Args:
            subjects: With `*` and `>`; none: everything.
            since: From a moment on; None: from now on.
        """
        return self._transport.tail(subjects or ("maestro.>",), since=since)

    def _add(self, subscription: Subscription) -> None:
        name = self.consumer_name(subscription.durable)
        if self._closed:
            raise BrokerClosedError("the broker is closed and takes no subscribers any more")
        if name in self._consuming:
            raise InvalidSubscriptionError(
                f"there is a consumer {name} already; each subscriber has a durable of its own"
            )
        processing = Processing(
            name,
            subscription,
            self._transport,
            processed=subscription.processed or self._processed,
            metrics=self.metrics,
            grace=self._drain,
        )
        spec = ConsumerSpec(
            name=name,
            subjects=subscription.subjects,
            ordering=subscription.ordering,
            start=subscription.start,
            max_in_flight=subscription.max_in_flight,
            ack_wait=timedelta(seconds=self._settings.messaging_ack_wait_s),
        )
        self._consuming[name] = self._transport.consume(spec, processing.opened)
        super()._add(subscription)

    async def _send(self, subject: str, body: bytes, message_id: str, event: str) -> Receipt:
        if self._closed:
            raise BrokerClosedError("the broker is closed; publish while Broker.opened is")
        try:
            receipt = await self._transport.publish(Outgoing(subject, body, message_id))
        except BaseException:
            self.metrics.published(event, "failed")
            raise
        self.metrics.published(event, "duplicate" if receipt.duplicate else "published")
        return receipt

    def _publishing(self, subject: str, event: Event[Any] | None = None) -> AbstractContextManager[Span]:
        return _TRACER.start_as_current_span(
            f"publish {subject}",
            context=None if event is None else extract(event.extensions),
            kind=SpanKind.PRODUCER,
            attributes={
                "messaging.system": "nats",
                "messaging.operation.name": "publish",
                "messaging.operation.type": "send",
                "messaging.destination.name": subject,
            },
        )

    async def _watch_lag(self, interval_s: float) -> None:
        while True:
            await asyncio.sleep(interval_s)
            for name, consuming in tuple(self._consuming.items()):
                try:
                    self.metrics.lag(name, await consuming.lag())
                except MessagingError as error:
                    _logger.debug("The lag of a consumer is not known", consumer=name, error=str(error))

    async def _close(self) -> None:
        self._closed = True
        await asyncio.gather(*(consuming.stop() for consuming in self._consuming.values()))
