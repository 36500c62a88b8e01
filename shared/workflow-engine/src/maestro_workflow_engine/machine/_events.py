"""What happens to a run, as the journal keeps it. This is the golden format: fields are added, never renamed.

Times are microseconds since the Unix epoch, UTC.
"""

from __future__ import annotations

import msgspec

from maestro_workflow_engine._attributes import Stored
from maestro_workflow_engine._failure import Failure


def _snake(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")


class _Event(msgspec.Struct, frozen=True, tag_field="type", tag=_snake, omit_defaults=True, gc=False):
    time: int


class Admission(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a run waits for before it begins: a queue, a time, a key. `start_us` is the time, `latest_us` the end of a debounce."""

    queue: str | None = None
    priority: int = 5
    tenant: str | None = None
    start_us: int = 0
    singleton: str | None = None
    debounce: str | None = None
    latest_us: int | None = None


class RunStarted(_Event, frozen=True):
    """The run exists. It begins with this event, or, when it has an `admission`, with RunAdmitted.

    `seed` feeds random numbers and hash order; `trace` is the caller's W3C traceparent; `first_seq` goes on counting where the
    pass before `continue_as_new`, or the run that had the id before, stopped, so that ids derived from it stay unique;
    `attributes` are the search attributes at first.
    """

    input: msgspec.Raw
    seed: int
    trace: str | None = None
    first_seq: int = 0
    attributes: dict[str, Stored] | None = None
    admission: Admission | None = None


class RunAdmitted(_Event, frozen=True):
    """A run that had to wait begins: its code starts at this time."""


class RunDebounced(_Event, frozen=True):
    """Another start came before the run began: this is its input now."""

    input: msgspec.Raw


class RunReprioritized(_Event, frozen=True):
    """Somebody moved the run within its queue. The workflow does not see this."""

    priority: int


class StepCompleted(_Event, frozen=True):
    """A step returned; it never runs again."""

    seq: int
    step: str
    input: msgspec.Raw
    output: msgspec.Raw
    started: int
    attempt: int = 1


class StepRetrying(_Event, frozen=True):
    """An attempt failed and another follows at `next_time`. The workflow does not see this."""

    seq: int
    step: str
    failure: Failure
    attempt: int
    next_time: int


class StepFailed(_Event, frozen=True):
    """A step failed for good."""

    seq: int
    step: str
    input: msgspec.Raw
    failure: Failure
    started: int
    attempt: int = 1


class TimerFired(_Event, frozen=True):
    """A durable timer reached its time."""

    seq: int


class SignalReceived(_Event, frozen=True):
    """Somebody sent a signal."""

    name: str
    payload: msgspec.Raw


class EventReceived(_Event, frozen=True):
    """A CloudEvent came that the run listens for."""

    event: msgspec.Raw


class EventPublished(_Event, frozen=True):
    """A CloudEvent that this run published is on disk, and on its way to all who listen for it."""

    seq: int


class UpdateRequested(_Event, frozen=True):
    """Somebody asked for an update; `update_id` makes asking again harmless."""

    update_id: str
    name: str
    payload: msgspec.Raw


class UpdateAnswered(_Event, frozen=True):
    """An update was answered: with an output, or with a failure."""

    update_id: str
    output: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    failure: Failure | None = None


class CancelRequested(_Event, frozen=True):
    """Somebody asked the run to stop; the workflow sees asyncio.CancelledError."""

    reason: str = ""


class ChildStarted(_Event, frozen=True):
    """A child run that the workflow only started is on disk; its end is told by a later event of the same `seq`."""

    seq: int
    workflow: str
    run_id: str


class ChildCompleted(_Event, frozen=True):
    """A child run completed."""

    seq: int
    workflow: str
    run_id: str
    output: msgspec.Raw


class ChildFailed(_Event, frozen=True):
    """A child run failed, or could not be started."""

    seq: int
    workflow: str
    run_id: str
    failure: Failure


class ChildCancelled(_Event, frozen=True):
    """A child run was cancelled."""

    seq: int
    workflow: str
    run_id: str


class SignalSent(_Event, frozen=True):
    """A signal to another run is in that run's history; both events are one transaction."""

    seq: int
    run_id: str
    name: str


class CancelSent(_Event, frozen=True):
    """Another run was asked to stop, in one transaction. `seq` is that of the request, or of the child that nobody awaits any more."""

    seq: int
    run_id: str


class RequestFailed(_Event, frozen=True):
    """A signal or a cancel request could not be sent: there is no such run, or it has ended."""

    seq: int
    run_id: str
    failure: Failure


class PatchRecorded(_Event, frozen=True):
    """The run passed `patched(change)` with the new code."""

    change: str


class AttributesSet(_Event, frozen=True):
    """The run changed search attributes; None removed one."""

    attributes: dict[str, Stored | None]


class RunCompleted(_Event, frozen=True):
    """The workflow returned."""

    output: msgspec.Raw


class RunFailed(_Event, frozen=True):
    """The workflow raised."""

    failure: Failure


class RunCancelled(_Event, frozen=True):
    """The workflow ended by cancellation."""

    reason: str = ""


class RunTerminated(_Event, frozen=True):
    """Somebody ended the run at once, without asking it; with `moved_to`, the URL of an engine, it goes on there."""

    reason: str = ""
    moved_to: str | None = None


class RunPaused(_Event, frozen=True):
    """Somebody paused the run: what it asks for waits. The workflow does not see this."""

    reason: str = ""


class RunResumed(_Event, frozen=True):
    """Somebody let a paused run go on. The workflow does not see this."""


class RunRedriven(_Event, frozen=True):
    """A failed run goes on from its failed step: events from `dropped_from` up to this one no longer count."""

    dropped_from: int


class RunContinued(_Event, frozen=True):
    """The workflow asked to start over with a new input and an empty history."""

    input: msgspec.Raw


Event = (
    RunStarted
    | RunAdmitted
    | RunDebounced
    | RunReprioritized
    | StepCompleted
    | StepRetrying
    | StepFailed
    | TimerFired
    | SignalReceived
    | EventReceived
    | EventPublished
    | UpdateRequested
    | UpdateAnswered
    | CancelRequested
    | ChildStarted
    | ChildCompleted
    | ChildFailed
    | ChildCancelled
    | SignalSent
    | CancelSent
    | RequestFailed
    | PatchRecorded
    | AttributesSet
    | RunCompleted
    | RunFailed
    | RunCancelled
    | RunTerminated
    | RunPaused
    | RunResumed
    | RunRedriven
    | RunContinued
)

Arrival = SignalReceived | CancelRequested | UpdateRequested | EventReceived
ARRIVALS = (SignalReceived, CancelRequested, UpdateRequested, EventReceived)
"""What comes from outside whenever it likes, and was acknowledged to whoever sent it."""

TERMINAL = (RunCompleted, RunFailed, RunCancelled, RunTerminated)


def kind_of(event: Event | type[Event]) -> str:
    """Return what the journal calls a kind of event."""
    return str(event.__struct_config__.tag)


_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[Event] = msgspec.json.Decoder(Event)


def encode_event(event: Event) -> bytes:
    """Return the journal's bytes for an event."""
    return _encoder.encode(event)


def decode_event(data: bytes) -> Event:
    """Read an event back.

    Raises:
        msgspec.DecodeError: The bytes are no event (also `msgspec.ValidationError`, its subclass).
    """
    return _decoder.decode(data)
