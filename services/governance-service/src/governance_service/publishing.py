"""Publishing what the service owes the platform."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

from governance_service.approvals.events import APPROVAL_EVENTS
from governance_service.audit.announcing import Announcer
from governance_service.audit.domain import Checkpoint
from governance_service.audit.events import CHECKPOINT, CheckpointSigned, audit_subscriptions
from governance_service.audit.opening import Audit
from governance_service.config import GovernanceServiceConfig
from governance_service.policies.events import POLICY_APPLIED
from maestro_core_db import Outbox
from maestro_core_logging import get_logger
from maestro_core_messaging import Broker, EventType, MessagingError, OutboxRelay
from maestro_core_monitoring import MetricsCollector

_logger = get_logger(__name__)
_FIRST_PAUSE_S: Final = 0.5
_LONGEST_PAUSE_S: Final = 15.0
EVENT_TYPES: Final[tuple[EventType[Any], ...]] = (POLICY_APPLIED, CHECKPOINT, *APPROVAL_EVENTS.values())
"""What the service publishes."""


@asynccontextmanager
async def publishing(
    outbox: Outbox, audit: Audit, config: GovernanceServiceConfig, metrics: MetricsCollector
) -> AsyncIterator[None]:
    """Publish, and hear what others have to say to the audit trail, while the block runs.

    A server for events that is away is waited for: they stay in the outbox meanwhile.

    Args:
        outbox: What is owed.
        audit: Hears of what other services tell, and has its checkpoints published.
        config: Where the server is.
        metrics: Where events are counted.

    Yields:
        Nothing.
    """
    task = asyncio.create_task(_publish(outbox, audit, config, metrics), name="publishing")
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _publish(outbox: Outbox, audit: Audit, config: GovernanceServiceConfig, metrics: MetricsCollector) -> None:
    pause_s = _FIRST_PAUSE_S
    while True:
        try:
            async with Broker.opened(config, service_name=config.service_name, metrics=metrics) as broker:
                pause_s = _FIRST_PAUSE_S
                broker.publishes(*EVENT_TYPES)
                broker.include(audit_subscriptions(audit.trail))
                async with OutboxRelay(outbox, broker).at_work(), _checkpoints_published(audit.announcer, broker):
                    await broker.lost()
        except MessagingError as error:
            _logger.warning(
                "Events wait for their server", error_code=error.code, reason=str(error), again_in_s=pause_s
            )
            await asyncio.sleep(pause_s)
            pause_s = min(_LONGEST_PAUSE_S, pause_s * 2)


@asynccontextmanager
async def _checkpoints_published(announcer: Announcer, broker: Broker) -> AsyncIterator[None]:
    async def publish(checkpoint: Checkpoint) -> None:
        await broker.publish(CHECKPOINT, CheckpointSigned.of(checkpoint), key=checkpoint.log_id)

    announcer.publish = publish
    try:
        yield
    finally:
        announcer.publish = None
