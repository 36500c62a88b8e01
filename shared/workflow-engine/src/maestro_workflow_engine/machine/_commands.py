"""What a machine asks its runner to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from maestro_workflow_engine._attributes import Stored
from maestro_workflow_engine._failure import Failure
from maestro_workflow_engine.machine._events import Arrival

if TYPE_CHECKING:
    from maestro_workflow_engine._definitions import StepDefinition


class RunStep(msgspec.Struct, frozen=True, gc=False):
    """Run a step and report StepCompleted or StepFailed with the same `seq`."""

    seq: int
    step: StepDefinition[..., Any]
    input: msgspec.Raw
    attempt: int = 1
    not_before: int = 0
    deadline: int = 0
    """When its total timeout is over, µs since the epoch; 0 for never."""

    last_failure: Failure | None = None
    """What the attempt before failed with."""


class CancelStep(msgspec.Struct, frozen=True, gc=False):
    """The workflow no longer waits for this step."""

    seq: int


class StartTimer(msgspec.Struct, frozen=True, gc=False):
    """Report TimerFired at `fire_at` (µs since the epoch)."""

    seq: int
    fire_at: int


class CancelTimer(msgspec.Struct, frozen=True, gc=False):
    """The workflow no longer waits for this timer."""

    seq: int


class StartChild(msgspec.Struct, frozen=True, gc=False):
    """Start a run and report how it ended. An id of None is derived from the parent's id and `seq`."""

    seq: int
    workflow: str
    version: str | None
    input: msgspec.Raw
    run_id: str | None
    on_close: str = "cancel"
    """What happens to it when its parent closes: a value of `ParentClose`."""

    announce: bool = False
    """Report ChildStarted as well, in the transaction that makes the child."""


class CancelChild(msgspec.Struct, frozen=True, gc=False):
    """Ask a child to stop that nobody waits for any more, and report CancelSent unless it has ended."""

    seq: int
    run_id: str


class SendSignal(msgspec.Struct, frozen=True, gc=False):
    """Send a signal to another run and report SignalSent or RequestFailed.

    With a `child`, the sequence number of its start, the run must be that child.
    """

    seq: int
    run_id: str
    name: str
    payload: msgspec.Raw
    child: int = 0


class SendCancel(msgspec.Struct, frozen=True, gc=False):
    """Ask another run to stop and report CancelSent or RequestFailed; `child` is as in SendSignal."""

    seq: int
    run_id: str
    reason: str
    child: int = 0


class PublishEvent(msgspec.Struct, frozen=True, gc=False):
    """Publish a CloudEvent and report EventPublished or RequestFailed."""

    seq: int
    event: msgspec.Raw


class Subscribe(msgspec.Struct, frozen=True, gc=False):
    """Report EventReceived for each CloudEvent that one of the filters matches; the same name again has other filters."""

    name: str
    filters: bytes


class Unsubscribe(msgspec.Struct, frozen=True, gc=False):
    """The workflow no longer listens under this name."""

    name: str


class Announce(msgspec.Struct, frozen=True, gc=False):
    """Publish what the machine has to tell about the run (`told`)."""


class RecordPatch(msgspec.Struct, frozen=True, gc=False):
    """Journal that the new side of a change was taken."""

    change: str


class RecordAttributes(msgspec.Struct, frozen=True, gc=False):
    """Journal a change of search attributes.

    `changed` has None for what is removed; `after` is what all attributes then are.
    """

    changed: dict[str, Stored | None]
    after: dict[str, Stored]


class AnswerUpdate(msgspec.Struct, frozen=True, gc=False):
    """Journal the answer to an update and hand it to whoever asked."""

    update_id: str
    output: msgspec.Raw | None
    failure: Failure | None


class CompleteRun(msgspec.Struct, frozen=True, gc=False):
    """The workflow returned."""

    output: msgspec.Raw


class FailRun(msgspec.Struct, frozen=True, gc=False):
    """The workflow raised."""

    failure: Failure


class CancelRun(msgspec.Struct, frozen=True, gc=False):
    """The workflow ended by cancellation."""


class ContinueRun(msgspec.Struct, frozen=True, gc=False):
    """The workflow starts over with a new input; signals it has not received yet come along.

    Attributes:
        input: The new input.
        signals: Name and payload of each signal that nobody received.
        arrived: What has come from outside since the workflow asked for this; it belongs to the next pass.
    """

    input: msgspec.Raw
    signals: tuple[tuple[str, msgspec.Raw], ...] = ()
    arrived: tuple[Arrival, ...] = ()


Command = (
    RunStep
    | CancelStep
    | StartTimer
    | CancelTimer
    | StartChild
    | CancelChild
    | SendSignal
    | SendCancel
    | PublishEvent
    | Subscribe
    | Unsubscribe
    | Announce
    | RecordPatch
    | RecordAttributes
    | AnswerUpdate
    | CompleteRun
    | FailRun
    | CancelRun
    | ContinueRun
)
