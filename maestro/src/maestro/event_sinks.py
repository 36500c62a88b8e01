"""Where events of runs go: to the platform, to an HTTP address, or to both. The engine keeps each until it has been taken."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

import msgspec

from maestro.domain.event_subjects import subject_of
from maestro.refused_events import RefusedEvents
from maestro_core_logging import get_logger
from maestro_core_messaging import Broker, InvalidEventError, MessagingError, UnreadableEventError
from maestro_core_monitoring import Counter, Gauge, MetricsCollector
from maestro_workflow_engine import EventSink

_PAUSE_S: Final = 0.5
_logger = get_logger(__name__)


def declare_sink_metrics(metrics: MetricsCollector) -> tuple[Gauge, Counter]:
    """Declare what is measured of events on their way to the platform.

    Args:
        metrics: Where.

    Returns:
        How long the next event has been held up; how many were set aside.
    """
    return (
        metrics.gauge(
            "maestro_events_held_up_seconds",
            "For how long the next event of a run has waited for the platform's event server; 0 when none waits.",
            across="max",
        ),
        metrics.counter("maestro_events_refused_total", "Events of runs that were set aside, by reason.", ("reason",)),
    )


class PlatformSink:
    """Publishes events of runs on the platform. While its server is away it waits: the engine keeps the events meanwhile.

    An event that is offered again is published again with its id, so that the server and each consumer take it once.

    Args:
        connected: Waits for a connection and returns it.
        refused: Takes what can never be published: too large for the server, or no CloudEvent to its library.
        metrics: Where it is measured.
    """

    def __init__(
        self, connected: Callable[[], Awaitable[Broker]], refused: RefusedEvents, metrics: MetricsCollector
    ) -> None:
        self._connected = connected
        self._refused = refused
        self._held_up, self._refused_total = declare_sink_metrics(metrics)

    async def send(self, event: Mapping[str, Any]) -> None:
        """Publish an event; see `EventSink.send`."""
        body, subject = msgspec.json.encode(event), subject_of(event["type"])
        began, told = time.monotonic(), False
        while True:
            try:
                async with asyncio.timeout(_PAUSE_S):
                    broker = await self._connected()
                await broker.publish_raw(body, subject)
                break
            except TimeoutError:  # whoever keeps the connection has said in the log why there is none
                self._held_up.set(time.monotonic() - began)
            except (InvalidEventError, UnreadableEventError) as error:
                await self._refused.add(event, code=error.code, reason=str(error))
                self._refused_total.labels(error.code).inc()
                break
            except MessagingError as error:
                self._held_up.set(time.monotonic() - began)
                if not told:
                    told = True
                    _logger.warning(
                        "Events of runs wait for the platform",
                        error_code=error.code,
                        reason=str(error),
                        subject=subject,
                    )
                await asyncio.sleep(_PAUSE_S)
        self._held_up.set(0)
        if told:
            _logger.info("Events of runs reach the platform again", waited_s=round(time.monotonic() - began, 3))


class SinksInTurn:
    """Hands each event to several sinks, one after the other; it is taken when all of them have it.

    Args:
        sinks: The sinks. One that refuses holds up those behind it.
    """

    def __init__(self, sinks: Sequence[EventSink]) -> None:
        self._sinks = tuple(sinks)
        self._partly: tuple[tuple[str, str] | None, int] = (None, 0)

    async def send(self, event: Mapping[str, Any]) -> None:
        """Hand over an event; see `EventSink.send`. Those that have taken it are not asked again."""
        identity = event["source"], event["id"]
        taken = self._partly[1] if self._partly[0] == identity else 0
        for number, sink in enumerate(self._sinks[taken:], taken + 1):
            await sink.send(event)
            self._partly = identity, number
        self._partly = None, 0
