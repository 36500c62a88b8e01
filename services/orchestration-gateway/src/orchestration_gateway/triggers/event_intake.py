"""CloudEvents, whichever way they come, to the triggers that wait for them."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from maestro_core_logging import get_logger

from .declaration import EventDeclaration
from .errors import MappingError
from .intake import Intake, Taken
from .trigger import Trigger, meets
from .triggers import Triggers

_logger = get_logger(__name__)
_LONGEST_KEY = 400


@dataclass(frozen=True, slots=True)
class EventTaken:
    """What came of an event with one trigger."""

    trigger: str
    taken: Taken | None
    """None when the trigger is paused, or could not map it."""


class EventIntake:
    """Gives events to triggers.

    Args:
        triggers: The triggers there are.
        intake: Takes deliveries in.
    """

    def __init__(self, triggers: Triggers, intake: Intake) -> None:
        self._triggers = triggers
        self._intake = intake

    async def take(self, event: Mapping[str, Any], *, hears: Callable[[str | None], bool]) -> list[EventTaken]:
        """Give an event to every trigger that waits for it; the deliveries are on disk when this returns.

        Args:
            event: The event in its JSON form.
            hears: Tells whether the triggers of a tenant (None: the platform's) may hear it.

        Returns:
            What came of it, by trigger. Once for each source and id, however often the event comes.

        Raises:
            DeliveryConflictError: An event of this source and id came before with another content.
            APIException: A tenant's quota is used up.
        """
        found = []
        for trigger in await self._triggers.for_events():
            declaration = trigger.declaration
            assert isinstance(declaration, EventDeclaration)
            if hears(trigger.tenant) and meets(declaration, event):
                found.append(EventTaken(trigger.name, await self._take(trigger, event)))
        return found

    async def _take(self, trigger: Trigger, event: Mapping[str, Any]) -> Taken | None:
        if trigger.declaration.paused:
            return None
        key = _key(event)
        try:
            return await self._intake.take(trigger, dict(event), key=key)
        except MappingError as error:
            # It is kept as a dead delivery; one trigger's fault must not keep the event from the others.
            _logger.warning("An event could not be mapped", trigger=trigger.name, reason=str(error))
            return None


def _key(event: Mapping[str, Any]) -> str:
    """Return what tells an event from others: its source and id, or a hash where they are long or cannot be printed."""
    key = f"{event['source']} {event['id']}"
    if len(key) <= _LONGEST_KEY and key.isprintable():
        return key
    return f"sha256:{hashlib.sha256(json.dumps([event['source'], event['id']]).encode()).hexdigest()}"
