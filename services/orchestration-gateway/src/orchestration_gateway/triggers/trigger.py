"""A trigger, and which of them a CloudEvent meets. Rules only."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from .declaration import EventDeclaration, ScheduleDeclaration, WebhookDeclaration


class Origin(StrEnum):
    """Where a trigger was declared."""

    API = "api"
    """By a call; it can be changed by one."""
    FILE = "file"
    """In a file that was read at the start."""


@dataclass(frozen=True, slots=True)
class Key:
    """A key of a webhook's signatures."""

    value: str
    """The key as it was given."""
    expires_at: datetime | None = None
    """When it is no longer accepted; None: it stays."""

    def is_valid(self, now: datetime) -> bool:
        """Tell whether it is still accepted."""
        return self.expires_at is None or now < self.expires_at


@dataclass(frozen=True, slots=True)
class Trigger:
    """What starts runs."""

    name: str
    tenant: str | None
    """Whose it is; None: the platform's own."""
    declaration: WebhookDeclaration | EventDeclaration | ScheduleDeclaration
    """What it is, without its keys."""
    origin: Origin
    revision: int
    """Counts its changes, from 1."""
    created_at: datetime
    updated_at: datetime
    updated_by: str
    """Who declared it last."""
    keys: tuple[Key, ...] = field(default=(), repr=False)
    """Keys of its signatures, newest first."""
    keys_problem: str | None = None
    """Why its keys cannot be read; None: they can, or there are none."""

    def belongs_to(self, tenant: str | None) -> bool:
        """Tell whether a caller may see it.

        Args:
            tenant: The caller's tenant; None is the platform's own people, who see everything.
        """
        return tenant is None or self.tenant == tenant


def meets(declaration: EventDeclaration, event: Mapping[str, Any]) -> bool:
    """Tell whether an event is one that a trigger waits for.

    Args:
        declaration: The trigger.
        event: The event in its JSON form.
    """
    wanted = ((declaration.type, "type"), (declaration.source, "source"), (declaration.subject, "subject"))
    return all(pattern is None or _fits(pattern, event.get(name)) for pattern, name in wanted)


def _fits(pattern: str, value: object) -> bool:
    if not isinstance(value, str):
        return False
    return value.startswith(pattern[:-1]) if pattern.endswith("*") else value == pattern
