"""The machine: it runs one workflow coroutine from events to commands, the same way every time."""

from __future__ import annotations

import asyncio
import contextvars
import random
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from maestro_core_logging import get_logger
from maestro_workflow_engine import _payload
from maestro_workflow_engine._attributes import Stored
from maestro_workflow_engine._errors import (
    NonDeterminismError,
    PayloadError,
    StepFailedError,
    WorkflowContextError,
)
from maestro_workflow_engine._failure import Failure, describe, rebuild
from maestro_workflow_engine.machine import _commands as cmd
from maestro_workflow_engine.machine import _eventing, _kin
from maestro_workflow_engine.machine import _events as ev
from maestro_workflow_engine.machine._attributes import Attributes, call_text
from maestro_workflow_engine.machine._inbox import Inbox
from maestro_workflow_engine.machine._listening import Listening
from maestro_workflow_engine.machine._loop import DeterministicLoop
from maestro_workflow_engine.machine._pending import Pending, PendingChild, PendingStep, PendingTimer, Wait, waits_of
from maestro_workflow_engine.machine._updates import Updates

if TYPE_CHECKING:
    from maestro_workflow_engine._definitions import StepDefinition, WorkflowDefinition

_logger = get_logger(__name__)
_MICROSECOND = timedelta(microseconds=1)


class ContinueAsNewSignal(BaseException):
    """Carries a new input out of the workflow. A BaseException, so that `except Exception` does not hold it up."""

    def __init__(self, input_: msgspec.Raw) -> None:
        super().__init__("continue as new")
        self.input = input_


class RunDroppedSignal(BaseException):
    """Thrown into the clean-up code of a run that leaves memory: the run has not ended, so nothing is to be cleaned up."""


class WorkflowMachine:
    """One run of one workflow.

    Feed it the run's events in order with `apply`; it answers each with the commands that follow from it. A machine
    that is fed the same events gives the same commands: that is what replay rests on.

    Attributes:
        run_id: The run's id.
        definition: The workflow it runs.
        parent_id: The id of the run that started this one, if one did.
        replaying: Whether the events being applied come from history.
        published: What the workflow has published for queries, by key.
        attributes: Its search attributes.
        done: Whether the workflow has ended.
        trace: The W3C traceparent of whoever started the run.
        has_children: Whether the workflow has asked for a child.
        listening: The events that it listens for; None until it does.
        announced: How many events about itself the run has had to tell.
        on_steered: Called with "suspended" or "resumed" when somebody pauses the run or lets it go on.
        told: Those of them that nobody has taken yet, by number from 1. A run that is replayed tells all of them again.
    """

    def __init__(
        self,
        definition: WorkflowDefinition[..., Any],
        run_id: str,
        *,
        parent_id: str | None = None,
        patches: Iterable[str] = (),
        context: contextvars.Context | None = None,
    ) -> None:
        self.definition = definition
        self.run_id = run_id
        self.parent_id = parent_id
        self.replaying = False
        self.published: dict[str, msgspec.Raw] = {}
        self.done = False
        self.trace: str | None = None
        self.has_children = False
        self.listening: Listening | None = None
        self.announced = 0
        self.on_steered: Callable[[str], None] | None = None
        self.told: list[tuple[int, msgspec.Raw]] = []
        self.started_us = 0
        self._seed = 0
        self._random: random.Random | None = None
        self._context = context or contextvars.Context()
        self._loop = DeterministicLoop(self)  # type: ignore[abstract]  # the refusing methods are set on the class
        self._commands: list[cmd.Command] = []
        self._closing: cmd.Command | None = None
        self._pending: dict[int, Pending] = {}
        self._timers: dict[int, int] = {}  # id(handle) → seq; the pending entry keeps the handle alive
        self._abandoned: dict[int, str] = {}
        self._unsent_cancels: dict[int, cmd.CancelChild] = {}
        self._seq = 0
        self._first_seq = 0
        self._position = 0
        self._inboxes: dict[str, Inbox] = {}
        self._recorded_patches = frozenset(patches)
        self._patches: dict[str, bool] = {}
        self.updates = Updates(self._loop)
        self.attributes = Attributes()
        self._main: asyncio.Task[None] | None = None
        self._input: msgspec.Raw | None = None  # while the run waits to begin
        self._early: list[ev.UpdateRequested | ev.SignalReceived] = []
        self._cancel_requested = False
        self._dropped = False

    # ── driven by the runner ─────────────────────────────────────────────────────────────────────────────────────

    def apply(self, event: ev.Event, position: int = 0) -> list[cmd.Command]:
        """Let one event happen.

        Args:
            event: What happened.
            position: Its position in the history, for error messages.

        Returns:
            What is to be done now, in order.

        Raises:
            NonDeterminismError: The event answers something this code never asked for.
        """
        self._position = position
        loop = self._loop
        loop.now_us = max(loop.now_us, event.time)
        self._commands = []
        handler = _HANDLERS.get(type(event))
        if handler is None or self._closing is not None:
            self._note(event)
            commands, self._commands = self._commands, []
            return commands
        try:
            handler(self, event)
            loop.run_ready()
        except WorkflowContextError as error:
            self._close(cmd.FailRun(describe(error)))
        except (SystemExit, KeyboardInterrupt) as error:
            self._close(cmd.FailRun(describe(error)))
        commands, self._commands = self._commands, []
        return commands

    def _note(self, event: ev.Event) -> None:
        """Take what is not for the workflow's code: how the run stands, how it ends, and what comes after its end."""
        if isinstance(event, _UNSEEN):
            if (
                self.on_steered is not None
                and self._closing is None
                and isinstance(event, ev.RunPaused | ev.RunResumed)
            ):
                self.on_steered("suspended" if isinstance(event, ev.RunPaused) else "resumed")
            return
        if isinstance(event, ev.AttributesSet):
            self._on_attributes(event)
        elif isinstance(event, ev.RunTerminated):
            self._closing, self.done = cmd.CancelRun(), True
        elif self._closing is not None:
            if isinstance(self._closing, cmd.ContinueRun) and isinstance(event, ev.ARRIVALS):
                arrived = (*self._closing.arrived, event)
                self._closing = cmd.ContinueRun(self._closing.input, self._closing.signals, arrived)
            self._check_after_end(event)
        elif self._input is not None and isinstance(event, ev.RunCancelled):  # before it began
            self._closing, self.done = cmd.CancelRun(), True
        else:
            raise self._mismatch(type(event).__name__, f"{self._outstanding_text()}, and no end yet")

    def outstanding(self) -> list[cmd.Command]:
        """Return what is still to be done, after a replay: whatever was asked for and has not been answered."""
        unrecorded = [
            cmd.RecordPatch(change)
            for change, taken in self._patches.items()
            if taken and change not in self._recorded_patches
        ]
        told = [cmd.Announce()] if self.told else []
        records: list[cmd.Command] = [*told, *unrecorded, *self.attributes.unconfirmed, *self.updates.unconfirmed]
        if self._closing is not None:
            return [*records, self._closing]
        records += [cmd.Subscribe(listener.name, listener.filters) for listener in self.listening or ()]
        wanted = [
            entry.command(seq)
            for seq, entry in self._pending.items()
            if not (isinstance(entry, PendingChild) and entry.is_left_alone)
        ]
        return [*records, *self._unsent_cancels.values(), *wanted]

    @property
    def waiting_for(self) -> list[Wait]:
        """What the run waits for at the moment."""
        if self.done:
            return []
        waits = waits_of(self._pending)
        waits.extend(Wait("signal", name) for name, inbox in self._inboxes.items() if inbox.is_awaited)
        waits.extend(Wait("event", ", ".join(listener.types)) for listener in self.listening or ())
        return waits

    @property
    def continuation(self) -> cmd.ContinueRun | None:
        """How the workflow starts over; None while it has not asked to."""
        return self._closing if isinstance(self._closing, cmd.ContinueRun) else None

    @property
    def is_asked_to_stop(self) -> bool:
        """Whether the run has been cancelled; it may still clean up."""
        return self._cancel_requested

    @property
    def position(self) -> int:
        """The position of the event that was applied last, or is being applied."""
        return self._position

    @property
    def begun(self) -> bool:
        """Whether the workflow's code has started; a run that waits to begin has none under way."""
        return self._main is not None

    @property
    def last_seq(self) -> int:
        """The highest sequence number given out."""
        return self._seq

    def step_command(self, seq: int) -> cmd.RunStep | None:
        """Return the command for a step that is still waited for."""
        entry = self._pending.get(seq)
        return entry.command(seq) if isinstance(entry, PendingStep) else None

    def child_command(self, seq: int) -> cmd.StartChild | None:
        """Return the command for a child that has not ended, whether anybody waits for it or not."""
        entry = self._pending.get(seq)
        return entry.command(seq) if isinstance(entry, PendingChild) else None

    def drop(self) -> None:
        """Free the memory of the run; its history stays and can be replayed by another machine."""
        self._dropped = True
        self.on_steered = None
        self._loop.abandon()
        self._pending.clear()
        self._timers.clear()
        self._loop.part()

    # ── called from workflow code ────────────────────────────────────────────────────────────────────────────────

    @property
    def now_us(self) -> int:
        """The workflow's time: that of the event being applied."""
        return self._loop.now_us

    def check_events(self) -> None:
        """Refuse events where whoever runs the machine has none.

        Raises:
            UnsupportedByRunnerError: It has none.
        """
        if self._dropped:
            raise RunDroppedSignal

    @property
    def random(self) -> random.Random:
        """The run's random numbers: the history's seed makes them the same in every replay."""
        if self._random is None:  # few workflows draw lots, and a generator takes 2.5 kB
            self._random = random.Random(self._seed)  # noqa: S311  reproducible numbers are the point
        return self._random

    async def run_step(self, step: StepDefinition[..., Any], input_: msgspec.Raw) -> Any:
        """Ask for a step and wait for its result."""
        future = self._loop.inner_future()
        total = step.total_timeout
        deadline = 0 if total is None else self._loop.now_us + total // _MICROSECOND
        seq = self._add(PendingStep(step, input_, future, deadline=deadline))
        try:
            return await future
        except asyncio.CancelledError:
            if seq in self._pending:
                self._abandon(seq)
                self._command(cmd.CancelStep(seq))
            raise

    async def receive(self, name: str) -> msgspec.Raw:
        """Wait for the next signal of a name."""
        if self._dropped:
            raise RunDroppedSignal
        return await self._inboxes.setdefault(name, Inbox()).take(self._loop)

    def patched(self, change: str) -> bool:
        """Tell whether the run takes the new side of a change."""
        taken = self._patches.get(change)
        if taken is None:
            taken = change in self._recorded_patches or not self.replaying
            self._patches[change] = taken
            if taken and change not in self._recorded_patches:
                self._command(cmd.RecordPatch(change))
        return taken

    def set_attributes(self, wanted: Mapping[str, Stored | None]) -> None:
        """Change search attributes."""
        if not self.done and not self._dropped:
            change = self.attributes.set(wanted)
            if change is not None:
                self._command(change)

    def start_timer(self, handle: asyncio.TimerHandle) -> None:
        """Turn a timer of the loop into a durable one."""
        if (
            self._dropped
        ):  # nothing fires any more; raising here would leave a coroutine that `wait_for` holds unawaited
            return
        when = handle.when()
        fire_at = _LATEST_US if when >= _LATEST_S else round(when * 1e6)  # sleep(math.inf) is a way to wait for ever
        handle._scheduled = True  # type: ignore[attr-defined]  # asyncio then reports its cancellation to the loop
        self._timers[id(handle)] = self._add(PendingTimer(fire_at, handle))

    def cancel_timer(self, handle: asyncio.TimerHandle) -> None:
        """Forget a timer of the loop."""
        seq = self._timers.pop(id(handle), None)
        if seq is not None:
            self._abandon(seq)
            self._command(cmd.CancelTimer(seq))

    def report(self, context: dict[str, Any]) -> None:
        """Log what asyncio reports: an exception in a task that nobody awaited. As in CPython, it does not end the run."""
        if not self._dropped and not self.replaying:
            _logger.error(
                "Exception in a task that nobody awaited",
                run_id=self.run_id,
                workflow=self.definition.name,
                detail=context.get("message"),
                exc_info=context.get("exception"),
            )

    # ── inside ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _add(self, entry: Pending) -> int:
        if self._dropped:
            raise RunDroppedSignal
        self._seq = seq = self._seq + 1
        entry.since = self._loop.now_us
        self._pending[seq] = entry
        if not self.done:
            self._commands.append(entry.command(seq))
        return seq

    def _command(self, command: cmd.Command) -> None:
        if not self.done and not self._dropped:
            self._commands.append(command)

    def _abandon(self, seq: int) -> None:
        entry = self._pending.pop(seq, None)
        if entry is not None:
            self._abandoned[seq] = str(entry)

    async def _run(self, input_: msgspec.Raw) -> None:
        try:
            args, kwargs = self.definition.signature.decode(input_)
            try:
                result = await self.definition.func(*args, **kwargs)
            finally:
                if self._loop.has_generators and not self._dropped:
                    await self._loop.close_generators()
            self._close(cmd.CompleteRun(_payload.encode(result)))
        except ContinueAsNewSignal as continuation:
            signals = tuple((name, raw) for name, inbox in self._inboxes.items() for raw in inbox.buffered)
            left_over = () if self.listening is None else self.listening.left_over
            unheard = tuple(ev.EventReceived(self.now_us, each.raw) for each in left_over)
            self._close(cmd.ContinueRun(continuation.input, signals, unheard))
        except asyncio.CancelledError as error:
            if self._dropped:
                raise
            self._close(cmd.CancelRun() if self._cancel_requested else cmd.FailRun(describe(error)))
        except BaseException as error:
            if self._dropped:  # it leaves memory, and this is how its coroutine is taken down
                raise
            self._close(cmd.FailRun(describe(error)))

    def _close(self, command: cmd.Command) -> None:
        if self.done or self._dropped:
            return
        # Steps and timers that nobody awaits any more end with the run.
        self._commands = [c for c in self._commands if isinstance(c, _RECORDS)]
        self._commands += self.updates.abandon(self.run_id)
        self._commands.append(command)
        self._closing = command
        self.done = True

    def _take(self, seq: int, kind: type[Pending], label: str) -> Any:
        entry = self._find(seq, kind, label)
        if entry is not None:
            del self._pending[seq]
        return entry

    def _find(self, seq: int, kind: type[Pending], label: str) -> Any:
        entry = self._pending.get(seq)
        if entry is None:
            if seq <= self._first_seq or self._abandoned.get(seq) == label:
                return None  # an answer that the workflow stopped waiting for
            raise self._mismatch(label, self._abandoned.get(seq, "nothing at that point"))
        if not isinstance(entry, kind) or str(entry) != label:
            raise self._mismatch(label, str(entry))
        return entry

    def _check_after_end(self, event: ev.Event) -> None:
        if isinstance(event, _ENDS):
            if not isinstance(self._closing, _ENDING[type(event)]) and not _was_refused(event):
                raise self._mismatch(type(event).__name__, _describe_end(self._closing))
            return
        seq = getattr(event, "seq", None)  # answers that were under way when the workflow ended are in order
        if seq is not None and seq > self._first_seq and seq not in self._pending and seq not in self._abandoned:
            raise self._mismatch(_describe_event(event), "the end of the workflow")

    def _mismatch(self, expected: str, found: str) -> NonDeterminismError:
        return NonDeterminismError(self.run_id, self._position, expected, found)

    def _outstanding_text(self) -> str:
        return ", ".join(str(entry) for entry in self._pending.values()) or "nothing"

    # ── one handler per event ────────────────────────────────────────────────────────────────────────────────────

    def _on_started(self, event: ev.RunStarted) -> None:
        self.trace = event.trace
        self._seq = self._first_seq = event.first_seq
        if event.attributes is not None:
            self.attributes.begin(event.attributes)
        self._seed = event.seed
        self._loop.seed_order(event.seed)
        if event.admission is None:
            self._begin(event.time, event.input)
        else:
            self._input = event.input

    def _on_debounced(self, event: ev.RunDebounced) -> None:
        self._input = event.input

    def _on_admitted(self, event: ev.RunAdmitted) -> None:
        if self._input is None:
            raise self._mismatch("the beginning of the run", "a run that has begun")
        self._begin(event.time, self._input)
        self._input = None
        early, self._early = self._early, []
        for request in early:
            self._loop.run_ready()  # the workflow sets the handlers of updates first
            if self.done:
                return
            _HANDLERS[type(request)](self, request)

    def _begin(self, time_us: int, input_: msgspec.Raw) -> None:
        self.started_us = time_us
        self._main = self._loop.create_task(self._run(input_), name="workflow", context=self._context)

    def _on_step_completed(self, event: ev.StepCompleted) -> None:
        entry = self._pending.get(event.seq)
        if isinstance(entry, PendingStep) and entry.step.name == event.step:
            del self._pending[event.seq]
        else:
            entry = self._take(event.seq, PendingStep, f"step {event.step!r}")
        if entry is None or entry.future.done():
            return
        try:
            entry.future.set_result(entry.step.signature.decode_result(event.output))
        except PayloadError as error:
            entry.future.set_exception(PayloadError(f"the result of step {event.step!r} {error}"))

    def _on_step_retrying(self, event: ev.StepRetrying) -> None:
        entry = self._pending.get(event.seq)
        if isinstance(entry, PendingStep):
            entry.attempt = event.attempt + 1
            entry.not_before = event.next_time
            entry.last_failure = event.failure if entry.deadline else None

    def _on_step_failed(self, event: ev.StepFailed) -> None:
        entry: PendingStep | None = self._take(event.seq, PendingStep, f"step {event.step!r}")
        if entry is None or entry.future.done():
            return
        entry.future.set_exception(_step_error(event.step, event.attempt, event.failure))

    def _on_timer_fired(self, event: ev.TimerFired) -> None:
        entry: PendingTimer | None = self._take(event.seq, PendingTimer, "a timer")
        if entry is not None:
            self._timers.pop(id(entry.handle), None)
            self._loop.fire(entry.handle)

    def _on_signal(self, event: ev.SignalReceived) -> None:
        if self._early:  # it came after an update that waits for the workflow to begin
            self._early.append(event)
            return
        self._inboxes.setdefault(event.name, Inbox()).deliver(event.payload)

    def _on_update(self, event: ev.UpdateRequested) -> None:
        if self._main is None:
            self._early.append(event)
            return
        self.updates.request(self.run_id, event.update_id, event.name, event.payload)

    def _on_answer(self, event: ev.UpdateAnswered) -> None:
        self.updates.confirm(event.update_id)

    def _on_cancel(self, _event: ev.CancelRequested) -> None:
        if self._cancel_requested:  # somebody asks again who never heard that it was kept: clean-up goes on
            return
        self._cancel_requested = True
        if self._main is not None:
            self._main.cancel()
        else:
            self._close(cmd.CancelRun())

    def _on_patch(self, event: ev.PatchRecorded) -> None:
        if not self._patches.get(event.change):
            raise self._mismatch(f"patched({event.change!r})", "no such call")

    def _on_attributes(self, event: ev.AttributesSet) -> None:
        found = self.attributes.confirm(event.attributes)
        if found is not None:
            raise self._mismatch(call_text(event.attributes), found)


def _step_error(step: str, attempts: int, failure: Failure) -> Exception:
    record = StepFailedError(step, attempts, failure)
    original = rebuild(failure)
    if original is None:
        return record
    original.__cause__ = record
    return original


def _describe_end(closing: cmd.Command | None) -> str:
    name = type(closing).__name__
    return f"{name} ({closing.failure.summary})" if isinstance(closing, cmd.FailRun) else name


def _was_refused(event: ev.Event) -> bool:
    """Tell whether a run failed because its result was too large to be kept: its code had returned all the same."""
    return isinstance(event, ev.RunFailed) and event.failure.type == _REFUSED


def _describe_event(event: ev.Event) -> str:
    step = getattr(event, "step", None) or getattr(event, "workflow", None)
    name = type(event).__name__
    return f"{name}({step!r})" if step else name


_LATEST_US = 253_402_300_799_000_000  # the last second that a datetime can name
_LATEST_S = _LATEST_US / 1e6
_REFUSED = f"{PayloadError.__module__}:{PayloadError.__qualname__}"
_ENDING: dict[type, type] = {
    ev.RunCompleted: cmd.CompleteRun,
    ev.RunFailed: cmd.FailRun,
    ev.RunCancelled: cmd.CancelRun,
    ev.RunContinued: cmd.ContinueRun,
}
_ENDS = tuple(_ENDING)
_RECORDS = (cmd.RecordPatch, cmd.RecordAttributes, cmd.AnswerUpdate, cmd.Announce)
_UNSEEN = (ev.RunPaused, ev.RunResumed, ev.RunRedriven, ev.RunReprioritized)

_HANDLERS: dict[type, Callable[[WorkflowMachine, Any], None]] = {
    ev.RunStarted: WorkflowMachine._on_started,
    ev.RunDebounced: WorkflowMachine._on_debounced,
    ev.RunAdmitted: WorkflowMachine._on_admitted,
    ev.StepCompleted: WorkflowMachine._on_step_completed,
    ev.StepRetrying: WorkflowMachine._on_step_retrying,
    ev.StepFailed: WorkflowMachine._on_step_failed,
    ev.TimerFired: WorkflowMachine._on_timer_fired,
    ev.SignalReceived: WorkflowMachine._on_signal,
    ev.EventReceived: _eventing.on_event_received,
    ev.EventPublished: _eventing.on_event_published,
    ev.UpdateRequested: WorkflowMachine._on_update,
    ev.UpdateAnswered: WorkflowMachine._on_answer,
    ev.CancelRequested: WorkflowMachine._on_cancel,
    ev.ChildStarted: _kin.on_child_started,
    ev.ChildCompleted: _kin.on_child_ended,
    ev.ChildFailed: _kin.on_child_ended,
    ev.ChildCancelled: _kin.on_child_ended,
    ev.SignalSent: _kin.on_signal_sent,
    ev.CancelSent: _kin.on_cancel_sent,
    ev.RequestFailed: _kin.on_request_failed,
    ev.PatchRecorded: WorkflowMachine._on_patch,
}
