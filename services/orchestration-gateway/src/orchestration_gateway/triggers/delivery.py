"""A delivery: one message that a trigger took in, and the run that comes of it. Rules only."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

_FIRST_PAUSE: Final = timedelta(seconds=1)
_LONGEST_PAUSE: Final = timedelta(minutes=1)
_MOST_DOUBLINGS: Final = 10


class DeliveryStatus(StrEnum):
    """Where a delivery stands."""

    WAITING = "waiting"
    """It is kept, and its run is not started yet."""
    STARTED = "started"
    """Its run is started."""
    FILTERED = "filtered"
    """The trigger's filter starts nothing for it."""
    DEAD = "dead"
    """No run could be started; it can be replayed."""


@dataclass(frozen=True, slots=True)
class Start:
    """The run that a delivery starts."""

    workflow: str
    """`namespace/name`, or `namespace/name:version`."""
    run_id: str
    """Follows from the delivery: the same delivery is the same run."""
    input: Any
    """A JSON value."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message that came in."""

    id: str
    """Its id here."""
    trigger: str
    """The trigger that took it."""
    tenant: str | None
    """The trigger's tenant."""
    key: str
    """What its sender signed as its id, or what stands for that; unique for each trigger."""
    digest: str
    """SHA-256 of its content, in hex."""
    message: Any
    """What jq sees of it: a JSON value."""
    status: DeliveryStatus
    received_at: datetime
    waiting_since: datetime
    """Since when its run is wanted: when it came, or was replayed."""
    start: Start | None = None
    """What it starts; None when nothing, or when that could not be told."""
    options: Mapping[str, Any] | None = None
    """How the run is started, as the orchestrator takes it."""
    attempts: int = 0
    """How often the orchestrator was asked."""
    next_attempt_at: datetime | None = None
    """When it is asked at the latest; None when it is not asked any more."""
    settled_at: datetime | None = None
    """When it was started, filtered or given up."""
    error_code: str | None = None
    """What the last attempt failed with."""
    error: str | None = None
    """The same in words."""
    traceparent: str | None = None
    """The trace in which it came."""


def delivery_id(trigger: str, key: str, *, tenant: str | None) -> str:
    """Return a delivery's id here.

    Args:
        trigger: The trigger's name.
        key: The delivery's key.
        tenant: The trigger's tenant: a name that one frees and another takes leads to none of the first one's deliveries.
    """
    return hashlib.sha256(json.dumps([tenant, trigger, key]).encode()).hexdigest()[:32]


def run_id(trigger: str, key: str, *, tenant: str | None, round_: int = 0) -> str:
    """Return the id of a delivery's run, which is the same each time it is asked for.

    Args:
        trigger: The trigger's name.
        key: The delivery's key, or what `run_key` gave.
        tenant: The trigger's tenant: two of them never share a run.
        round_: How often it was replayed as a new run.

    Returns:
        The trigger's name, a dot and 32 hexadecimal digits.
    """
    text = json.dumps([tenant, trigger, key, *([round_] if round_ else [])])
    return f"{trigger}.{hashlib.sha256(text.encode()).hexdigest()[:32]}"


def pause_after(attempts: int, luck: float, *, longest: timedelta = _LONGEST_PAUSE) -> timedelta:
    """Return how long to wait before the next attempt.

    Args:
        attempts: How many there were, 1 or more.
        luck: A random number from 0 to 1, so that deliveries do not all come back at once.
        longest: The longest pause.

    Returns:
        Between half of a limit and the limit, which doubles from a second up to the longest.
    """
    limit: timedelta = min(_FIRST_PAUSE * int(2 ** min(attempts - 1, _MOST_DOUBLINGS)), longest)
    return limit * (0.5 + luck / 2)


def content_digest(value: Any) -> str:
    """Return the SHA-256 of a JSON value, in hex; the order of members does not matter."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
