"""Making an event, ready to be written: for an outbox, where no broker is at hand."""

from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import uuid4

from pydantic import ValidationError

from maestro_core_messaging._errors import InvalidEventError
from maestro_core_messaging._event import Event
from maestro_core_messaging._event_type import EventType
from maestro_core_messaging._reading import problems_of
from maestro_core_monitoring import inject

D = TypeVar("D")


def new_event(
    event_type: EventType[D],
    data: D,
    *,
    key: str | None = None,
    subject: str | None = None,
    event_id: str | None = None,
    time: datetime | None = None,
    extensions: dict[str, str] | None = None,
) -> Event[Any]:
    """Make an event of the service whose type it is.

    An outbox keeps it as `write_event(event).decode()`, to be published on `event.type`.

    Args:
        event_type: What kind of event.
        data: Checked against the type.
        key: Events of one key stay in order.
        subject: What it is about, within the service.
        event_id: None makes one. The same id again is the same event and is taken once.
        time: When it happened; None is now.
        extensions: Further attributes of the CloudEvent: names in lower case letters and digits.

    Returns:
        The event, with its data as JSON values, in the trace that runs here.

    Raises:
        InvalidEventError: The data does not fit.
    """
    return Event(
        id=event_id or str(uuid4()),
        source=f"/{event_type.service}",
        type=event_type.subject,
        data=_json_values(event_type, data),
        time=time or datetime.now(UTC),
        subject=subject,
        key=key,
        dataschema=event_type.schema_uri,
        extensions=inject(dict(extensions or {})),
    )


def _json_values(event_type: EventType[D], data: D) -> Any:
    try:
        checked = event_type.adapter.validate_python(data)
    except ValidationError as error:
        problems = problems_of(error)
        raise InvalidEventError(
            f"the data does not fit {event_type.name} version {event_type.version}: {'; '.join(problems)}",
            event_type=event_type.name,
            problems=problems,
        ) from error
    # By alias, as its schema tells it and as consumers read it.
    return event_type.adapter.dump_python(checked, mode="json", by_alias=True)
