"""Publishing what is in the outbox, whether or not the server for events is there."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from central_registry.events import EVENT_TYPES, SERVICE
from central_registry.outbox import SqliteOutbox
from maestro_core_logging import get_logger
from maestro_core_messaging import Broker, MessagingError, MessagingSettings, OutboxRelay, asyncapi_document
from maestro_core_monitoring import MetricsCollector

_PAUSE: Final = timedelta(seconds=1)
_LONGEST_PAUSE: Final = timedelta(seconds=30)
_logger = get_logger(__name__)


async def publish(outbox: SqliteOutbox, settings: MessagingSettings, metrics: MetricsCollector) -> None:
    """Publish events until cancelled. Nobody else waits for it: the registry starts and works without events.

    Args:
        outbox: The events.
        settings: Where they go.
        metrics: Where they are counted.
    """
    pause = _PAUSE
    while True:
        try:
            async with Broker.opened(settings, service_name=SERVICE, metrics=metrics) as broker:
                pause = _PAUSE
                broker.publishes(*EVENT_TYPES)
                _logger.info("Publishing events", server=broker.server)
                async with OutboxRelay(outbox, broker).at_work():
                    await broker.lost()
        except MessagingError as error:
            log = _logger.warning if pause == _PAUSE else _logger.debug
            log("Events cannot be published; they are kept and tried again", error=str(error), code=error.code)
        await asyncio.sleep(pause.total_seconds())
        pause = min(pause * 2, _LONGEST_PAUSE)


async def events_document(version: str) -> Mapping[str, Any]:
    """Describe what the registry publishes.

    Args:
        version: Version of the registry.

    Returns:
        The AsyncAPI document.
    """
    async with Broker.opened(service_name=SERVICE) as broker:
        broker.publishes(*EVENT_TYPES)
        return asyncapi_document(broker, title="Central Registry", version=version)
