"""Events: what the gateway tells, and how it hears those of others for its triggers."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from maestro_core_api import TooManyRequestsException
from maestro_core_db import Outbox
from maestro_core_logging import get_logger
from maestro_core_messaging import Broker, Event, EventType, RetryEventError, new_event, write_event

from .triggers.cloud_events import checked_event
from .triggers.delivery import Delivery, DeliveryStatus
from .triggers.errors import DeliveryConflictError, DeliveryInvalidError
from .triggers.event_intake import EventIntake

_logger = get_logger(__name__)
_TENANT: Final = "tenant"
_LONGEST_WAIT_S: Final = 60.0


class DeliverySettled(BaseModel):
    """What came of a delivery."""

    delivery_id: str
    trigger: str
    tenant: str | None
    workflow: str | None
    run_id: str | None
    attempts: int
    received_at: datetime
    error_code: str | None
    """Why it was given up."""


STARTED: Final = EventType(
    "orchestration-gateway.delivery.started", 1, DeliverySettled, description="A delivery's run was started."
)
DEAD: Final = EventType(
    "orchestration-gateway.delivery.dead", 1, DeliverySettled, description="No run could be started for a delivery."
)


class Announcements:
    """Tells what came of deliveries, in the transaction that keeps it.

    Args:
        outbox: Owes them until they are published.
    """

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox

    async def __call__(self, session: AsyncSession, delivery: Delivery) -> None:
        """Owe the event of a delivery that was started or given up."""
        event_type = {DeliveryStatus.STARTED: STARTED, DeliveryStatus.DEAD: DEAD}.get(delivery.status)
        if event_type is None:
            return
        start = delivery.start
        data = DeliverySettled(
            delivery_id=delivery.id,
            trigger=delivery.trigger,
            tenant=delivery.tenant,
            workflow=None if start is None else start.workflow,
            run_id=None if start is None else start.run_id,
            attempts=delivery.attempts,
            received_at=delivery.received_at,
            error_code=delivery.error_code,
        )
        extensions = {} if delivery.tenant is None else {_TENANT: delivery.tenant}
        event = new_event(event_type, data, key=delivery.id, subject=delivery.id, extensions=extensions)
        await self._outbox.add(session, write_event(event).decode(), event_type.subject, delivery.id)


def hear(broker: Broker, events: EventIntake) -> None:
    """Give the events of the platform to triggers.

    Triggers of a tenant hear events of that tenant (attribute `tenant`), those of the platform hear all. The gateway's own are
    heard by none: a trigger for them would start itself again and again.

    Args:
        broker: Brings events.
        events: Gives them to triggers.
    """

    @broker.subscriber("maestro.>", durable="triggers", ordering="none", start="new")
    async def on_event(event: Event[Any]) -> None:
        if event.source == f"/{broker.service_name}":
            return
        tenant = event.extensions.get(_TENANT)
        try:
            await events.take(
                checked_event(_in_json(event)),
                hears=lambda whose: whose is None or whose == tenant,
            )
        except (DeliveryConflictError, DeliveryInvalidError) as error:
            _logger.warning("An event is no use to triggers", event_id=event.id, source=event.source, reason=str(error))
        except TooManyRequestsException as error:
            wait_s = min(float(error.extra.get("retry_after", 1)), _LONGEST_WAIT_S)
            raise RetryEventError(str(error), after_s=wait_s) from error


def _in_json(event: Event[Any]) -> Mapping[str, Any]:
    found = {
        "specversion": "1.0",
        "id": event.id,
        "source": event.source,
        "type": event.type,
        "time": None if event.time is None else event.time.isoformat(),
        "subject": event.subject,
        "partitionkey": event.key,
        "dataschema": event.dataschema,
        **event.extensions,
        "data": None if isinstance(event.data, bytes) else event.data,
    }
    return dict(found)
