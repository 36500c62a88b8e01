"""What travels between runs, engines and the hub of events. Fields are added, never renamed."""

from __future__ import annotations

import zlib
from datetime import timedelta
from typing import Final

import msgspec
from temporalio.api.common.v1 import Payload
from temporalio.common import RawValue

HUB: Final = "maestro.events"
"""The hub's workflow; its id and the task queue of all that belongs to it begin so."""

TAKE: Final = "take"
"""The hub's one update: messages in, an answer to each out."""

HEARD: Final = "maestro.event"
"""The signal that brings an event to a run."""

TELL: Final = "maestro.tell-hub"
"""The activity by which a run tells the hub something."""

MATCH, MEASURE, DELIVER, FORWARD, CLOSED = (
    f"maestro.hub-{name}" for name in ("match", "measure", "deliver", "forward", "closed")
)
"""The hub's own activities; the first two are local ones."""

BUSY: Final = "EventHubBusy"
"""The type of the error of a hub that takes nothing at the moment."""

NOBODY: Final = b"[]"
"""The filters of a run that does not listen."""

PULSE: Final = timedelta(seconds=2)
"""How often an activity of this package says that it lives."""

SILENCE: Final = timedelta(seconds=10)
"""After how long without a sign of life one counts as lost."""

LONGEST: Final = timedelta(minutes=2)
"""How long one attempt of one may take."""

_PACKED = {"encoding": b"binary/maestro-hub"}


def hub_of(task_queue: str) -> str:
    """Return the id of a task queue's hub, which is also the name of the hub's own task queue."""
    return f"{HUB}/{task_queue}"


class Listens(msgspec.Struct, frozen=True, tag="listens"):
    """What a run listens for from now on, instead of what it listened for before.

    Attributes:
        run: The run's id.
        version: When it came to this, in µs since the epoch: of two, the later one counts.
        filters: The encoded filters; none for a run that listens no more.
    """

    run: str
    version: int
    filters: msgspec.Raw


class Published(msgspec.Struct, frozen=True, tag="published", omit_defaults=True):
    """An event.

    Attributes:
        event: In its JSON form, checked.
        leaves: Whether it also goes to the event sink.
        run: The run that publishes it; empty when none does, and in what earlier releases said.
        trace: That run's W3C traceparent.
    """

    event: msgspec.Raw
    leaves: bool = False
    run: str = ""
    trace: str | None = None


class TooLarge(msgspec.Struct, frozen=True, tag="too_large"):
    """An event that is not published, so that the history of who wanted to publish it says so."""

    reason: str


Message = Listens | Published
"""What the hub is told."""

Word = Listens | Published | TooLarge
"""What a run has to say to it."""


class Batch(msgspec.Struct, frozen=True, omit_defaults=True):
    """Messages to the hub.

    Attributes:
        messages: In no order: each sender waits for the answer to one before it sends the next.
        has_store: Whether payloads of any size can be kept.
    """

    messages: tuple[Message, ...]
    has_store: bool = False


class Answer(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True):
    """What came of a message.

    Attributes:
        is_taken: Whether the hub has taken it. If not, it is to be sent again: there was no room, or it begins anew.
        is_new: Of an event, whether it had not come before.
    """

    is_taken: bool = True
    is_new: bool = True


class Heard(msgspec.Struct, frozen=True):
    """What comes with HEARD.

    Attributes:
        number: The event's. Later events have higher ones; a run that has heard a higher one has heard this one.
        event: The event.
        version: Of what the run listened for when the event came: one that had the id before has earlier ones.
    """

    number: int
    event: msgspec.Raw
    version: int = 0


class Errand(msgspec.Struct, frozen=True):
    """Events to be brought to runs.

    Attributes:
        events: The events, in order.
        runs: For each run which of them it hears, in order, and the version of what it listened for.
    """

    events: tuple[Heard, ...]
    runs: dict[str, list[tuple[int, int]]]


def squeezed(text: bytes) -> bytes:
    """Return JSON text as the hub keeps it: much of it is the same again and again."""
    return zlib.compress(text, 1)


def shelved(text: bytes) -> RawValue:
    """Return what may be large as a payload."""
    return RawValue(Payload(metadata=_PACKED, data=squeezed(text)))


def unshelved(value: RawValue) -> bytes:
    """Return what `shelved` was given; empty when nobody gave it anything."""
    data = value.payload.data
    return zlib.decompress(data) if value.payload.metadata.get("encoding") == _PACKED["encoding"] else b""
