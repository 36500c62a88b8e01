"""The metrics of events. Labels are names of consumers and of declared event types, so their number is bounded."""

from maestro_core_monitoring import MetricsCollector

_EVENT_SERIES = 500


class MessagingMetrics:
    """What is counted and measured.

    Args:
        metrics: Where; None counts for nobody.
        service_name: Value of the `service` label.
    """

    def __init__(self, metrics: MetricsCollector | None, service_name: str) -> None:
        collector = metrics or MetricsCollector(service_name)
        self._service = service_name
        self._published = collector.counter(
            "messaging_events_published_total",
            "Events published, by outcome: published, duplicate or failed.",
            ("service", "event", "outcome"),
            max_series=_EVENT_SERIES,
        )
        self._consumed = collector.counter(
            "messaging_events_consumed_total",
            "Events done with, by outcome: handled, duplicate or dead.",
            ("service", "consumer", "outcome"),
            max_series=_EVENT_SERIES,
        )
        self._redelivered = collector.counter(
            "messaging_events_redelivered_total",
            "Attempts that failed and are made again.",
            ("service", "consumer"),
            max_series=_EVENT_SERIES,
        )
        self._dead = collector.counter(
            "messaging_events_dead_total",
            "Events that went to the dead letters.",
            ("service", "consumer", "reason"),
            max_series=_EVENT_SERIES,
        )
        self._duration = collector.histogram(
            "messaging_event_handling_seconds",
            "Time that a subscriber took for one event.",
            ("service", "consumer"),
            max_series=_EVENT_SERIES,
        )
        self._lag = collector.gauge(
            "messaging_consumer_lag_events",
            "Events that are published and not handled yet.",
            ("service", "consumer"),
            across="max",
            max_series=_EVENT_SERIES,
        )
        self._outbox_waiting = collector.gauge(
            "messaging_outbox_waiting_events",
            "Events in the outbox that are not published yet.",
            ("service",),
            across="max",
        )
        self._outbox_age = collector.gauge(
            "messaging_outbox_oldest_seconds",
            "Age of the oldest event in the outbox that is not published yet.",
            ("service",),
            across="max",
        )

    def published(self, event: str, outcome: str) -> None:
        """Count an attempt to publish."""
        self._published.labels(self._service, event, outcome).inc()

    def consumed(self, consumer: str, outcome: str, duration_s: float) -> None:
        """Count an event that is done with."""
        self._consumed.labels(self._service, consumer, outcome).inc()
        self._duration.labels(self._service, consumer).observe(duration_s)

    def redelivered(self, consumer: str) -> None:
        """Count an attempt that failed."""
        self._redelivered.labels(self._service, consumer).inc()

    def died(self, consumer: str, reason: str) -> None:
        """Count a dead letter."""
        self._dead.labels(self._service, consumer, reason).inc()

    def lag(self, consumer: str, events: int) -> None:
        """Show how far behind a consumer is."""
        self._lag.labels(self._service, consumer).set(events)

    def outbox(self, waiting: int, oldest_s: float) -> None:
        """Show how far behind the outbox is."""
        self._outbox_waiting.labels(self._service).set(waiting)
        self._outbox_age.labels(self._service).set(oldest_s)
