"""What the registry tells the platform."""

from datetime import datetime
from typing import Final, NamedTuple

from pydantic import BaseModel, ConfigDict

from central_registry.domain import ChangeKind, Notice
from maestro_core_messaging import EventType, new_event, write_event

SERVICE: Final = "central-registry"


class InstanceEvent(BaseModel):
    """An instance of a service."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    service: str
    """Name of the service."""
    instance_id: str
    """Identifier of the instance within the service."""
    url: str
    """Where it answers, or did."""
    version: str
    """Version of the service that runs there."""
    zone: str | None
    """Where it runs."""
    tags: list[str]
    """What look-up can choose it by."""
    registered_at: datetime
    """When it registered."""


REGISTERED: Final = EventType(
    f"{SERVICE}.instance.registered", 1, InstanceEvent, description="An instance is new, or came back after its lease."
)
LEFT: Final = EventType(f"{SERVICE}.instance.left", 1, InstanceEvent, description="An instance said goodbye.")
LOST: Final = EventType(f"{SERVICE}.instance.lost", 1, InstanceEvent, description="The lease of an instance ran out.")
EVENT_TYPES: Final = (REGISTERED, LEFT, LOST)
_BY_KIND: Final = {ChangeKind.REGISTERED: REGISTERED, ChangeKind.LEFT: LEFT, ChangeKind.LOST: LOST}


class Written(NamedTuple):
    """An event, ready to be kept."""

    subject: str
    """Where it is published."""
    key: str
    """Events of one instance stay in order."""
    event_json: str
    """The CloudEvent."""
    at: datetime
    """When it happened."""


def written(notice: Notice) -> Written:
    """Write what the platform is told.

    Args:
        notice: What happened.

    Returns:
        The event.
    """
    registration, event_type = notice.registration, _BY_KIND[notice.kind]
    about = f"{registration.service}/{registration.instance_id}"
    told = InstanceEvent(
        service=registration.service,
        instance_id=registration.instance_id,
        url=registration.url,
        version=registration.version,
        zone=registration.zone,
        tags=sorted(registration.tags),
        registered_at=registration.registered_at,
    )
    event = new_event(event_type, told, key=about, subject=about, time=notice.at)
    return Written(event_type.subject, about, write_event(event).decode(), notice.at)
