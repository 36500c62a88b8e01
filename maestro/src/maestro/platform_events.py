"""The orchestrator's connection to the platform's events: what runs publish goes out, what workflows may hear comes in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, Final

import msgspec

from maestro.config import HEARD_DURABLE, OrchestratorConfig
from maestro_core_api import running_task
from maestro_core_logging import get_logger
from maestro_core_messaging import Broker, Event, MessagingError, RedeliveryPolicy, RejectEventError, write_event
from maestro_core_monitoring import MetricsCollector
from maestro_workflow_engine import CloudEventError, PayloadError, WorkflowEngine

_FIRST_PAUSE_S: Final = 0.5
_LONGEST_PAUSE_S: Final = 15.0
# What cannot be kept now (a full disk, a cluster that is away) can be kept later, however long that takes.
_UNTIL_TAKEN: Final = RedeliveryPolicy(max_deliveries=1_000_000, max_delay=timedelta(seconds=30))
_logger = get_logger(__name__)


class PlatformEvents:
    """Keeps the connection. The orchestrator starts and works without the server; what it has to tell stays with the engine.

    Args:
        config: Where the server is, and what is heard.
        metrics: Where events are counted.
    """

    def __init__(self, config: OrchestratorConfig, metrics: MetricsCollector) -> None:
        self._config = config
        self._metrics = metrics
        self._broker: Broker | None = None
        self._changed = asyncio.Condition()

    async def connected(self) -> Broker:
        """Wait for the connection, and return it."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._broker is not None)
            assert self._broker is not None
            return self._broker

    @asynccontextmanager
    async def at_work(self, engine: WorkflowEngine) -> AsyncIterator[None]:
        """Keep connected while the block runs; at its end events that are being taken in are finished.

        Args:
            engine: Takes in what is heard; open.

        Yields:
            Nothing.
        """
        async with running_task(self._keep_connected(engine), name="platform-events"):
            yield

    async def _keep_connected(self, engine: WorkflowEngine) -> None:
        pause_s = _FIRST_PAUSE_S
        while True:
            try:
                async with Broker.opened(
                    self._config, service_name=self._config.service_name, metrics=self._metrics
                ) as broker:
                    pause_s = _FIRST_PAUSE_S
                    self._hear(broker, engine)
                    await self._set(broker)
                    try:
                        await broker.lost()
                    finally:
                        await self._set(None)
            except MessagingError as error:
                _logger.warning(
                    "The platform's event server is waited for",
                    error_code=error.code,
                    reason=str(error),
                    again_in_s=pause_s,
                )
                await asyncio.sleep(pause_s)
                pause_s = min(_LONGEST_PAUSE_S, pause_s * 2)

    def _hear(self, broker: Broker, engine: WorkflowEngine) -> None:
        if not self._config.event_subjects:
            return

        # As with every other event: what came before somebody listened is not kept for him.
        @broker.subscriber(*self._config.event_subjects, durable=HEARD_DURABLE, start="new", redelivery=_UNTIL_TAKEN)
        async def hear(event: Event[Any]) -> None:
            try:
                await engine.publish_event(msgspec.json.decode(write_event(event)))
            except (CloudEventError, PayloadError) as error:
                raise RejectEventError(str(error)) from error

    async def _set(self, broker: Broker | None) -> None:
        async with self._changed:
            self._broker = broker
            self._changed.notify_all()
