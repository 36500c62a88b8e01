"""The gateway's connection to the platform's events: what it owes goes out, what triggers may hear comes in."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from maestro_core_api import running_task
from maestro_core_db import Outbox
from maestro_core_logging import get_logger
from maestro_core_messaging import Broker, MessagingError, OutboxRelay
from maestro_core_monitoring import HealthCheckError, MetricsCollector
from orchestration_gateway.config import OrchestrationGatewayConfig

from .events import DEAD, STARTED, hear
from .triggers.event_intake import EventIntake

_FIRST_PAUSE_S: Final = 0.5
_LONGEST_PAUSE_S: Final = 15.0
_logger = get_logger(__name__)


class PlatformEvents:
    """Keeps the connection: one that is gone for good is opened anew. What is owed stays in the outbox meanwhile.

    Args:
        config: Where the server is.
        metrics: Where events are counted.
        outbox: What is owed.
        intake: Gives what is heard to triggers.
    """

    def __init__(
        self, config: OrchestrationGatewayConfig, metrics: MetricsCollector, outbox: Outbox, intake: EventIntake
    ) -> None:
        self._config = config
        self._metrics = metrics
        self._outbox = outbox
        self._intake = intake
        self._broker: Broker | None = None

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """Connect, and keep connected while the block runs; at its end events that are being taken in are finished.

        Yields:
            Nothing.

        Raises:
            MessagingError: The first connection cannot be made.
        """
        first: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        async with running_task(self._keep_connected(first), name="platform-events"):
            await first
            yield

    async def check(self) -> None:
        """Check for readiness: `health.add("events", events.check)`.

        Raises:
            HealthCheckError: The server does not take events, or triggers do not hear them.
        """
        if self._broker is None:
            raise HealthCheckError("events cannot be published: another connection to their server is being opened")
        await self._broker.check()

    async def _keep_connected(self, first: asyncio.Future[None]) -> None:
        pause_s = _FIRST_PAUSE_S
        while True:
            try:
                async with Broker.opened(
                    self._config, service_name=self._config.service_name, metrics=self._metrics
                ) as broker:
                    pause_s = _FIRST_PAUSE_S
                    broker.publishes(STARTED, DEAD)
                    hear(broker, self._intake)
                    async with OutboxRelay(self._outbox, broker).at_work():
                        await self._connected(broker, first)
            except MessagingError as error:
                if not first.done():
                    # A service that cannot start says so itself.
                    first.set_exception(error)
                    return
                _logger.warning(
                    "The platform's event server is waited for",
                    error_code=error.code,
                    reason=str(error),
                    again_in_s=pause_s,
                )
                await asyncio.sleep(pause_s)
                pause_s = min(_LONGEST_PAUSE_S, pause_s * 2)

    async def _connected(self, broker: Broker, first: asyncio.Future[None]) -> None:
        self._broker = broker
        if not first.done():
            first.set_result(None)
        try:
            await broker.lost()
        finally:
            self._broker = None
