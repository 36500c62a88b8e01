"""Subscribers declared before there is a broker, in a module of their own."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from maestro_core_messaging._processed import ProcessedEvents
from maestro_core_messaging._redelivery import RedeliveryPolicy
from maestro_core_messaging._subscription import H, Source, Subscription
from maestro_core_messaging._transport import Ordering, Start


class Subscriptions:
    """Collects subscribers; `Broker.include` puts them to work.

    Example:
        >>> subscriptions = Subscriptions()
        >>> @subscriptions.subscriber("maestro.orders.>", durable="on-orders")
        ... async def on_order(event): ...
    """

    def __init__(self) -> None:
        self.declared: list[Subscription] = []

    def subscriber(
        self,
        *sources: Source,
        durable: str,
        ordering: Ordering = "key",
        redelivery: RedeliveryPolicy | None = None,
        processed: ProcessedEvents[Any] | None = None,
        concurrency: int = 16,
        timeout: timedelta | None = timedelta(minutes=1),
        start: Start = "all",
        max_in_flight: int = 1_000,
    ) -> Callable[[H], H]:
        """Declare a subscriber; see `Subscription` for the options.

        Args:
            sources: Event types, whose data is checked and read as their version, or subjects with `*` and `>`.
            durable: Name of its position, unique within the service and kept for ever.
            ordering: `key` or `none`.
            redelivery: When a failed event comes again.
            processed: Which events were handled already.
            concurrency: How many events are handled at once.
            timeout: How long one event may take.
            start: Where a new consumer begins, `all` or `new`.
            max_in_flight: How many events may be here unanswered.

        Returns:
            A decorator that returns the function itself.

        Raises:
            InvalidSubscriptionError: A name or a subject is not valid.
        """

        def declare(handler: H) -> H:
            self._add(
                Subscription(
                    sources=sources,
                    durable=durable,
                    handler=handler,
                    ordering=ordering,
                    redelivery=redelivery or RedeliveryPolicy(),
                    processed=processed,
                    concurrency=concurrency,
                    timeout=timeout,
                    start=start,
                    max_in_flight=max_in_flight,
                )
            )
            return handler

        return declare

    def _add(self, subscription: Subscription) -> None:
        self.declared.append(subscription)
