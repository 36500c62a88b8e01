"""Drives one machine inside one Temporal workflow.

What the cluster reports becomes events; what the machine asks for becomes activities, timers and child workflows.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any, cast

import msgspec
from temporalio import exceptions as te
from temporalio import workflow as temporal
from temporalio.common import RawValue, RetryPolicy

from maestro_workflow_engine._attributes import Stored
from maestro_workflow_engine._definitions import WorkflowDefinition
from maestro_workflow_engine._errors import UpdateRejectedError, WorkflowError
from maestro_workflow_engine._failure import describe
from maestro_workflow_engine.machine import _commands as cmd
from maestro_workflow_engine.machine import _events as ev
from maestro_workflow_engine.temporal._address import TemporalAddress
from maestro_workflow_engine.temporal._failures import run_failure, step_failure
from maestro_workflow_engine.temporal._kin import Kin
from maestro_workflow_engine.temporal._machine import HostedMachine
from maestro_workflow_engine.temporal._search import ATTRIBUTES_MEMO, MAESTRO_ATTRIBUTES, keywords
from maestro_workflow_engine.temporal._steps import Steps
from maestro_workflow_engine.temporal._wire import ANOTHER_ATTEMPT, Call, Start, State, json_of, packed, raw
from maestro_workflow_engine.temporal.events._link import HubLink
from maestro_workflow_engine.temporal.events._wire import Heard

_NO_LIMIT = timedelta(days=3650)  # Temporal wants some limit; a step's own is kept by the step's host
_SHORTEST = timedelta(milliseconds=1)
_ENDS = (cmd.CompleteRun, cmd.FailRun, cmd.CancelRun, cmd.ContinueRun)
_AFTER_THE_END = (ev.UpdateAnswered, ev.AttributesSet, ev.SignalReceived, ev.EventReceived, ev.CancelRequested)
"""What still reaches a machine that has ended: its own last records, and what belongs to the pass that follows."""

_Request = cmd.RunStep | cmd.StartTimer | cmd.StartChild | cmd.SendSignal | cmd.SendCancel | cmd.PublishEvent
_WITHDRAWALS = (cmd.CancelStep, cmd.CancelTimer, cmd.CancelChild)


class Driver:
    """One run.

    Args:
        definition: The workflow.
        start: How it begins.
        steps: Takes note of the steps that are asked for.
        address: The task queue and the limits of steps.
        link: The hub of events.
    """

    def __init__(
        self,
        definition: WorkflowDefinition[..., Any],
        start: Start,
        steps: Steps,
        address: TemporalAddress,
        link: HubLink,
    ) -> None:
        info = temporal.info()
        self._id = info.workflow_id
        self._start = start
        self._steps = steps
        self._address = address
        patches = [event.change for event in start.prologue if isinstance(event, ev.PatchRecorded)]
        self._machine = HostedMachine(
            definition,
            self._id,
            parent_id=info.parent.workflow_id if info.parent else start.parent_id,
            patches=patches,
            outer=asyncio.get_running_loop(),
        )
        self._version = definition.version
        self._link = link
        self._kin = Kin(self._id, self._feed, _now_us)
        self._position = 0
        self._under_way: dict[int, asyncio.Task[None]] = {}
        self._answers: dict[str, asyncio.Future[cmd.AnswerUpdate]] = {}
        self._asked_before: dict[str, cmd.AnswerUpdate | None] = {}  # updates of the prologue, and their answers
        self._is_paused = False
        self._over = asyncio.Event()
        self._end: cmd.Command | None = None
        self._fault: BaseException | None = None

    # ── what the cluster reports ─────────────────────────────────────────────────────────────────────────────────

    def begin(self, input_: msgspec.Raw) -> None:
        """Begin the run, or go on where its prologue stopped."""
        if self._start.prologue:
            self._take_up(self._start.prologue)
            return
        seed = self._start.seed if self._start.seed is not None else temporal.random().getrandbits(62)
        start = self._start
        self._feed(ev.RunStarted(_now_us(), input_, seed, start.trace, start.first_seq, start.attributes))
        for name, payload in self._start.signals:
            self._feed(ev.SignalReceived(_now_us(), name, payload))
        for data in self._start.events:
            self._feed(ev.EventReceived(_now_us(), data))
        self._listen()

    def signal(self, name: str, payload: msgspec.Raw) -> None:
        """Hand on a signal."""
        self._feed(ev.SignalReceived(_now_us(), name, payload))

    def hear(self, heard: Heard) -> None:
        """Hand on an event, unless the run has heard it before."""
        event = self._link.hears(heard)
        if event is not None:
            self._feed(event)

    async def update(self, update_id: str, name: str, payload: msgspec.Raw) -> msgspec.Raw:
        """Hand on an update and return its answer.

        Raises:
            ApplicationError: It was refused, or its handler failed.
        """
        given = self._asked_before.get(update_id)
        if given is None and self._end is not None:
            refused = UpdateRejectedError(self._id, name, "the run ended before it was answered")
            raise run_failure(describe(refused))
        if given is None:
            answer = self._answers[update_id] = asyncio.get_running_loop().create_future()
            if update_id not in self._asked_before:
                self._feed(ev.UpdateRequested(_now_us(), update_id, name, payload))
            given = await answer
        if given.failure is not None:
            raise run_failure(given.failure)
        return given.output if given.output is not None else msgspec.Raw(b"null")

    def cancel(self, reason: str) -> None:
        """Ask the workflow to stop."""
        self._feed(ev.CancelRequested(_now_us(), reason))

    def pause(self) -> None:
        """Start nothing more; what is under way goes on."""
        if self._machine.on_steered is not None and not self._is_paused:
            self._feed(ev.RunPaused(_now_us()))
        self._is_paused = True
        for command in self._machine.outstanding():
            if isinstance(command, cmd.StartTimer):
                self._stop(command.seq)

    def resume(self) -> None:
        """Go on: whatever the machine waits for and is not under way is asked for again."""
        if self._machine.on_steered is not None and self._is_paused:
            self._feed(ev.RunResumed(_now_us()))
        self._is_paused = False
        self._admit()
        self._execute(self._machine.outstanding())
        self._listen()

    @property
    def state(self) -> State:
        """Where the run stands."""
        problem = None if self._fault is None else str(self._fault)
        waits = self._link.waits(self._machine.waiting_for, self._machine.listening or ())
        return State(self._machine.published, waits, self._is_paused, problem)

    @property
    def attributes(self) -> dict[str, Stored]:
        """The search attributes as they are."""
        return dict(self._machine.attributes.current)

    @property
    def last_seq(self) -> int:
        """The highest sequence number given out."""
        return self._machine.last_seq

    async def over(self) -> None:
        """Return once the workflow has ended.

        Raises:
            WorkflowError: The code takes another path than the history; the cluster then tries again, until it is mended.
        """
        await self._over.wait()
        if self._fault is not None:
            raise self._fault

    @property
    def end(self) -> cmd.Command | None:
        """How the workflow ended, with what has come for the pass that follows; None before."""
        return self._machine.continuation or self._end

    def parting(self) -> Coroutine[Any, Any, None] | None:
        """Return what is to be done once the workflow has ended: nothing for one that has no business with events."""
        end = self.end
        goes_on = isinstance(end, cmd.ContinueRun) and not is_cancelled(end)
        if not self._link.is_at_rest:
            return self._link.rest()
        return None if goes_on or not self._link.is_listening else self._link.leave()

    @property
    def link(self) -> HubLink:
        """What the hub of events knows of the run."""
        return self._link

    def drop(self) -> None:
        """Free the memory of the run."""
        self._machine.drop()

    def _feed(self, event: ev.Event) -> None:
        if self._fault is not None or (self._end is not None and not isinstance(event, _AFTER_THE_END)):
            return
        self._position += 1
        self._machine.replaying = temporal.unsafe.is_replaying()
        try:
            commands = self._machine.apply(event, self._position)
        except WorkflowError as error:
            self._fault = error
            self._over.set()
            return
        self._execute(commands)

    def _take_up(self, prologue: tuple[ev.Event, ...]) -> None:
        machine = self._machine
        machine.in_prologue = machine.replaying = True
        for event in prologue:
            self._position += 1
            machine.apply(event, self._position)
            if isinstance(event, (ev.RunPaused, ev.RunResumed)):
                self._is_paused = isinstance(event, ev.RunPaused)
            elif isinstance(event, ev.UpdateRequested):
                self._asked_before.setdefault(event.update_id, None)
            elif isinstance(event, ev.UpdateAnswered):
                output = None if event.output is msgspec.UNSET else event.output
                self._asked_before[event.update_id] = cmd.AnswerUpdate(event.update_id, output, event.failure)
        machine.in_prologue = False
        if self._start.moved_from is not None:
            machine.told.clear()  # it was told where the run comes from
        self._admit()
        self._execute(machine.outstanding())
        for seq in self._start.children or ():  # those that nobody waits for are not asked for again
            child = machine.child_command(seq)
            if child is not None:
                self._request(child)

    def _admit(self) -> None:
        """Let a run begin that waited to begin where it was before; the cluster has seen to its time."""
        if not (self._is_paused or self._machine.begun or self._machine.done):
            self._feed(ev.RunAdmitted(_now_us()))

    # ── what the machine asks for ────────────────────────────────────────────────────────────────────────────────

    def _execute(self, commands: list[cmd.Command]) -> None:
        for command in commands:
            if isinstance(command, cmd.Announce):
                self._announce()
            elif self._is_paused and not isinstance(command, _WITHDRAWALS):
                continue  # `resume` asks the machine again
            elif isinstance(command, _Request):
                self._request(command)
            else:
                self._settle(command)

    def _settle(self, command: cmd.Command) -> None:
        match command:
            case cmd.CancelStep(seq) | cmd.CancelTimer(seq):
                self._stop(seq)
            case cmd.CancelChild(seq, run_id):
                self._stop(seq)
                self._feed(ev.CancelSent(_now_us(), seq, run_id))
            case cmd.AnswerUpdate():
                self._answer(command)
            case cmd.RecordAttributes():
                self._record(command)
            case cmd.Subscribe() | cmd.Unsubscribe():
                self._listen()
            case _ if isinstance(command, _ENDS):
                self._end = command
                self._over.set()
            case _:  # a patch is in the cluster's history already
                return

    def _listen(self) -> None:
        if not self._is_paused and not self._machine.done:
            self._link.change(self._machine.listening or ())

    def _announce(self) -> None:
        told, self._machine.told = self._machine.told, []
        if told and self._machine.has_events:
            self._link.announce(event for _, event in told)

    def _request(self, command: _Request) -> None:
        if command.seq in self._under_way:
            return
        match command:
            case cmd.RunStep():
                work = self._step(command)
            case cmd.StartTimer():
                work = self._timer(command)
            case cmd.StartChild():
                work = self._child(command)
            case cmd.SendSignal():
                work = self._reported(command.seq, self._kin.signal(command))
            case cmd.SendCancel():
                work = self._reported(command.seq, self._kin.cancel(command))
            case cmd.PublishEvent():
                work = self._reported(command.seq, self._link.publish(command))
        if self._link.is_beginning and not isinstance(command, cmd.StartTimer):
            work = self._link.then(work)
        self._under_way[command.seq] = asyncio.get_running_loop().create_task(work)

    def _stop(self, seq: int) -> None:
        task = self._under_way.pop(seq, None)
        if task is not None:
            task.cancel()

    def _answer(self, answer: cmd.AnswerUpdate) -> None:
        waiting = self._answers.pop(answer.update_id, None)
        if answer.update_id in self._asked_before:
            self._asked_before[answer.update_id] = answer
        if waiting is not None and not waiting.done():
            waiting.set_result(answer)
        output = msgspec.UNSET if answer.output is None else answer.output
        self._feed(ev.UpdateAnswered(_now_us(), answer.update_id, output, answer.failure))

    def _done(self, seq: int, event: ev.Event) -> None:
        if self._under_way.pop(seq, None) is not None:
            self._feed(event)

    async def _timer(self, command: cmd.StartTimer) -> None:
        left = max(0, command.fire_at - _now_us())
        await temporal.sleep(timedelta(microseconds=left), summary=f"timer {command.seq}")
        self._done(command.seq, ev.TimerFired(max(_now_us(), command.fire_at), command.seq))

    def _child(self, command: cmd.StartChild) -> Coroutine[Any, Any, None]:
        child = self._kin.child(command, self._start, self._machine.trace)
        return self._reported(command.seq, child)

    async def _reported(self, seq: int, work: Coroutine[Any, Any, ev.Event]) -> None:
        self._done(seq, await work)

    def _record(self, command: cmd.RecordAttributes) -> None:
        temporal.upsert_memo({ATTRIBUTES_MEMO: packed(command.after)})
        if self._start.searchable:
            found = keywords(self._version, command.after)
            temporal.upsert_search_attributes([MAESTRO_ATTRIBUTES.value_set(found)])
        self._feed(ev.AttributesSet(_now_us(), command.changed))

    async def _step(self, command: cmd.RunStep) -> None:
        step, asked = command.step, _now_us()
        call = self._steps.reference(step, self._machine.trace, command.deadline, command.attempt - 1)
        if command.not_before > asked:
            await temporal.sleep(timedelta(microseconds=command.not_before - asked), summary=ANOTHER_ATTEMPT)
        try:
            result: RawValue = await self._activity(command, call)
        except te.ActivityError as error:
            if isinstance(error.cause, te.CancelledError):
                raise asyncio.CancelledError from error
            found = step_failure(command, error)
            event: ev.Event = ev.StepFailed(
                _now_us(), command.seq, step.name, command.input, found.failure, asked, found.attempt
            )
        else:
            event = ev.StepCompleted(_now_us(), command.seq, step.name, command.input, json_of([result]), asked)
        self._done(command.seq, event)

    @staticmethod
    def _left(deadline: int) -> timedelta:
        return max(_SHORTEST, timedelta(microseconds=deadline - _now_us()))

    async def _activity(self, command: cmd.RunStep, call: Call) -> RawValue:
        # A worker that is lost costs no attempt: the cluster tries for ever, and the step's host decides what is final.
        common: dict[str, Any] = {
            "args": [raw(command.input), packed(call)],
            "activity_id": str(command.seq),
            "retry_policy": RetryPolicy(maximum_attempts=0),
            "result_type": RawValue,
            "schedule_to_close_timeout": self._left(command.deadline) if command.deadline else _NO_LIMIT,
        }
        if command.step.name in self._address.local_steps:
            result = await temporal.execute_local_activity(command.step.name, **common)
        else:
            lost_after = self._address.lost_after
            result = await temporal.execute_activity(command.step.name, **common, heartbeat_timeout=lost_after)
        return cast("RawValue", result)


def is_cancelled(end: cmd.ContinueRun) -> bool:
    """Tell whether a run that was to start over has been cancelled meanwhile: it does not."""
    return any(isinstance(event, ev.CancelRequested) for event in end.arrived)


def _now_us() -> int:
    return temporal.time_ns() // 1000
