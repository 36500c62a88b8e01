"""The heart of the runner: events go to disk, then to the run's machine, and what the machine asks for is done."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import msgspec

from maestro_core_logging import get_logger
from maestro_workflow_engine._definitions import WorkflowDefinition
from maestro_workflow_engine._errors import (
    JournalWriteError,
    PayloadError,
    WorkflowConflictError,
    WorkflowEndedError,
    WorkflowError,
)
from maestro_workflow_engine._failure import describe
from maestro_workflow_engine._payload_errors import PayloadStoreError, PayloadUnreadableError
from maestro_workflow_engine._records import RunStatus
from maestro_workflow_engine._registry import WorkflowRegistry
from maestro_workflow_engine.embedded import _crash_points as crash_points
from maestro_workflow_engine.embedded._alarms import Alarms
from maestro_workflow_engine.embedded._downloads import Downloads
from maestro_workflow_engine.embedded._journal import NewRun, Parked, StatusChange, Write
from maestro_workflow_engine.embedded._live import LiveRun
from maestro_workflow_engine.embedded._loading import new_machine, replay
from maestro_workflow_engine.embedded._reader import JournalReader, RunRow
from maestro_workflow_engine.embedded._refusal import in_place_of
from maestro_workflow_engine.embedded._schedule_rows import ScheduleChange
from maestro_workflow_engine.embedded._sealing import Sealer
from maestro_workflow_engine.embedded._stepping import StepScheduler
from maestro_workflow_engine.embedded._surroundings import Surroundings
from maestro_workflow_engine.embedded._uploads import Uploads
from maestro_workflow_engine.embedded._watchers import Answers, Endings, Watchers
from maestro_workflow_engine.machine import _commands as cmd
from maestro_workflow_engine.machine import _events as ev

_logger = get_logger(__name__)
_DOWNLOAD_AGAIN_FIRST_S = 0.1
_DOWNLOAD_AGAIN_LONGEST_S = 5.0
_WAKE = 0  # the sequence number under which the alarm of a run outside memory rings; calls count from 1


class Core:
    """Runs in memory and what happens to them.

    Every event takes one way: `append` gives it a position and queues it for the journal; once it is on disk `_happened`
    applies it to the run's machine; `_execute` does what the machine asks for.
    """

    def __init__(
        self,
        journal: Uploads,
        reader: JournalReader,
        registry: WorkflowRegistry,
        *,
        sealer: Sealer,
        downloads: Downloads | None,
        max_concurrent: int,
        max_in_memory: int,
        threads: int,
        surroundings: Surroundings,
    ) -> None:
        self._journal = journal
        self._clock = surroundings.clock
        self._reader = reader
        self._registry = registry
        self._sealer = sealer
        self._downloads = downloads
        self._downloading: set[asyncio.Task[None]] = set()
        self._max_in_memory = max_in_memory
        self._last_key = reader.last_key()
        self._live: dict[int, LiveRun] = {}
        self.importing: set[str] = set()
        self._by_id: dict[str, LiveRun] = {}
        self._idle: OrderedDict[int, LiveRun] = OrderedDict()
        self._alarms = Alarms(self._ring, self._clock)
        self._steps = StepScheduler(
            limit=max_concurrent,
            threads=threads,
            alarms=self._alarms,
            find=self._live.get,
            report=self.append,
            surroundings=surroundings,
        )
        self.growing = Watchers()
        self.endings = Endings()
        self.answers = Answers()
        self._seeds = self._clock.random
        self.on_end: Callable[[str], None] = _nobody

    def recover(self) -> list[int]:
        """Set the alarms of sleeping runs.

        Returns:
            The keys of the runs that were at work when the journal was last closed; load each.
        """
        self._alarms.fill((wake_us, key, _WAKE) for wake_us, key in self._reader.sleeping())
        return self._reader.interrupted()

    def close(self) -> None:
        """Stop every step and put what can sleep to sleep; the journal still takes these last writes."""
        self._alarms.close()
        for task in self._downloading:
            task.cancel()
        for run in list(self._live.values()):
            if run.is_idle:
                self._park(run)
            else:
                self._steps.retire(run)
                self._forget(run)
        self._steps.close()
        self.growing.notify_all()
        self.endings.close()
        self.answers.close()

    # ── runs in and out of memory ────────────────────────────────────────────────────────────────────────────────

    def live(self, run_id: str) -> LiveRun | None:
        """Return a run that is in memory."""
        return self._by_id.get(run_id)

    def find(self, row: RunRow) -> LiveRun:
        """Return an unfinished run, bringing it into memory if need be."""
        return self._live.get(row.key) or self._load(row)

    def load(self, key: int) -> LiveRun | None:
        """Return a run by key, bringing it into memory; None when it has ended."""
        run = self._live.get(key)
        if run is not None:
            return run
        row = self._reader.by_key(key)
        return None if row is None or not RunStatus(row.status).is_open else self._load(row)

    def revive(self) -> None:
        """Try again to load the runs that could not be replayed: a workflow has been registered."""
        for run in [run for run in self._live.values() if run.machine is None and not run.unflushed]:
            self._forget(run)
            self.load(run.key)

    def _load(self, row: RunRow) -> LiveRun:
        parent = None if row.parent_key is None else (row.parent_key, row.parent_seq or 0)
        run = LiveRun(row.key, row.id, row.workflow, row.version, None, parent, parked_on_disk=True)
        run.is_paused = row.status == RunStatus.PAUSED
        self._live[run.key] = self._by_id[run.id] = run
        run.next_position = self._reader.next_position(row.key)
        stored = self._reader.referring(row.key) if self._downloads is not None else []
        if self._downloads is None or not stored:
            self._take_up(run, row)
        else:  # until then its events are journalled and wait
            task = self._clock.spawn(self._download(run, row, self._downloads, stored), name="fetching payloads")
            self._downloading.add(task)
            task.add_done_callback(self._downloading.discard)
        return run

    async def _download(self, run: LiveRun, row: RunRow, downloads: Downloads, stored: list[bytes]) -> None:
        delay = _DOWNLOAD_AGAIN_FIRST_S
        while self._live.get(run.key) is run:
            try:
                async with downloads.of(stored):
                    if self._live.get(run.key) is run:
                        self._take_up(run, row)
                    return
            except PayloadStoreError as error:
                self._stuck(run, error)
            await asyncio.sleep(delay)
            delay = min(delay * 2, _DOWNLOAD_AGAIN_LONGEST_S)

    def _take_up(self, run: LiveRun, row: RunRow) -> None:
        parent = run.parent
        try:
            history = list(self._reader.history(row.key))
        except (PayloadUnreadableError, PayloadStoreError) as error:
            self._stuck(run, error)
            return
        run.seen = history[-1][0] if history else -1
        run.problem = None
        now = self._reader.by_key(row.key) or row  # it may have been paused or resumed while payloads were fetched
        run.is_paused = now.status == RunStatus.PAUSED
        try:
            definition = self._registry.find(row.workflow, row.version)
            parent_row = None if parent is None else self._reader.by_key(parent[0])
            run.machine = replay(definition, row.id, parent_row.id if parent_row else None, history)
        except WorkflowError as error:
            self._stuck(run, error)
            return
        self._execute(run, run.machine.outstanding())
        self._settle(run)

    def _stuck(self, run: LiveRun, error: WorkflowError) -> None:
        run.problem = str(error)
        _logger.error("Run cannot go on", run_id=run.id, workflow=run.workflow, problem=run.problem, code=error.code)

    def _settle(self, run: LiveRun) -> None:
        if run.is_idle and run.key in self._live:
            self._idle[run.key] = run
            self._idle.move_to_end(run.key)
            while len(self._idle) > self._max_in_memory:
                _, longest = self._idle.popitem(last=False)
                if longest.is_idle:  # a retry may have begun since it was put here
                    self._park(longest)

    def _park(self, run: LiveRun) -> None:
        wake_us = run.wake_us
        self._journal.submit(Write(_nothing, parked=Parked(run.key, parked=True, wake_us=wake_us)))
        if wake_us is not None:
            self._alarms.add(wake_us, run.key, _WAKE)
        self._forget(run)

    def _forget(self, run: LiveRun) -> None:
        self._live.pop(run.key, None)
        self._by_id.pop(run.id, None)
        self._idle.pop(run.key, None)
        run.stop_steps()
        if run.machine is not None:
            run.machine.drop()

    def new_key(self) -> int:
        """Return a key for a run that is written by somebody else."""
        self._last_key += 1
        return self._last_key

    def check_input(self, input_: msgspec.Raw) -> None:
        """Refuse the input of runs to come.

        Raises:
            PayloadError: It is too large to be kept.
        """
        self._sealer.check_size("input", bytes(input_))

    # ── events: to disk, then to the machine ─────────────────────────────────────────────────────────────────────

    def create(
        self,
        definition: WorkflowDefinition[..., Any],
        run_id: str,
        input_: msgspec.Raw,
        *,
        trace: str | None,
        parent: tuple[LiveRun, int] | None = None,
        on_durable: Callable[[], None] | None = None,
        on_failed: Callable[[JournalWriteError], None] | None = None,
        schedule: ScheduleChange | None = None,
    ) -> LiveRun:
        """Make a new run. It begins once it is on disk.

        Raises:
            PayloadError: The input is too large to be kept; there is no run.
        """
        started = ev.RunStarted(self._clock.now_us(), input_, self._seeds.getrandbits(62), trace)
        objects: dict[str, bytes] = {}
        data = self._sealer.seal(run_id, 0, started, objects)
        parent_ref = None if parent is None else (parent[0].key, parent[1])
        machine = new_machine(definition, run_id, parent[0].id if parent else None)
        run = LiveRun(self.new_key(), run_id, definition.name, definition.version, machine, parent_ref, 1, unflushed=1)
        self._live[run.key] = self._by_id[run_id] = run

        def durable() -> None:
            if on_durable is not None:
                on_durable()
            self._happened(run, started, 0)

        def failed(error: JournalWriteError) -> None:
            self._forget(run)
            if on_failed is not None:
                on_failed(error)

        row = NewRun(
            run.key,
            run_id,
            definition.name,
            definition.version,
            RunStatus.RUNNING.value,
            started.time,
            *(parent_ref or (None, None)),
        )
        events = [(run.key, 0, data)]
        self._journal.submit(
            Write(durable, row, events, on_failed=failed if on_failed else None, schedule=schedule, objects=objects)
        )
        return run

    def append(
        self,
        run: LiveRun,
        event: ev.Event,
        *,
        status: RunStatus | None = None,
        on_durable: Callable[[], None] | None = None,
        on_failed: Callable[[JournalWriteError], None] | None = None,
    ) -> None:
        """Journal an event, and the run's new status with it; once they are on disk, let it happen.

        Raises:
            PayloadError: A signal, an update or a reason is too large to be kept; it was not sent.
        """
        if run.is_ending or run.key not in self._live:
            return
        objects: dict[str, bytes] = {}
        event, data = self._seal(run, run.next_position, event, objects)
        position = self._reserve(run)

        def durable() -> None:
            if on_durable is not None:
                on_durable()
            if isinstance(event, ev.UpdateAnswered):  # as it was kept: an answer may be too large
                self.answers.resolve(run.key, event)
            self._happened(run, event, position)

        def failed(error: JournalWriteError) -> None:
            run.unflushed -= 1
            self._settle(run)
            if on_failed is not None:
                on_failed(error)

        write = Write(
            durable,
            events=[(run.key, position, data)],
            status=None if status is None else StatusChange(run.key, status.value),
            parked=self._unpark(run),
            on_failed=failed if on_failed else None,
            objects=objects,
        )
        self._journal.submit(write)

    def settled(self, run: LiveRun, write: Write) -> None:
        """Queue an empty write behind all that was journalled for a run so far."""
        self._journal.submit(write, after=(run.key,))

    def _seal(self, run: LiveRun, position: int, event: ev.Event, objects: dict[str, bytes]) -> tuple[ev.Event, bytes]:
        try:
            return event, self._sealer.seal(run.id, position, event, objects)
        except PayloadError as error:
            event = in_place_of(event, error)
        return event, self._sealer.seal(run.id, position, event, objects)

    def _reserve(self, run: LiveRun) -> int:
        self._idle.pop(run.key, None)
        position = run.next_position
        run.next_position += 1
        run.unflushed += 1
        return position

    def _unpark(self, run: LiveRun) -> Parked | None:
        if not run.parked_on_disk:
            return None
        run.parked_on_disk = False
        return Parked(run.key, parked=False)

    def _happened(self, run: LiveRun, event: ev.Event, position: int) -> None:
        run.unflushed -= 1
        self.growing.notify(run.key)
        if isinstance(event, (ev.RunPaused, ev.RunResumed)):
            run.is_paused = isinstance(event, ev.RunPaused)
        if run.machine is None or run.key not in self._live:
            return
        if position <= run.seen:  # it came while the run was being taken up
            self._settle(run)
            return
        if run.is_continuing and isinstance(event, (ev.SignalReceived, ev.CancelRequested)):
            self.append(run, event)  # it came between two passes: journal it again, for the new one
            return
        crash_points.reach(crash_points.BEFORE_APPLY)
        try:
            commands = run.machine.apply(event, position)
        except Exception as error:  # noqa: BLE001  one run stops over it; those that share its commit go on
            run.machine.drop()
            run.problem, run.machine = str(error) or repr(error), None
            self._steps.retire(run)
            code = getattr(error, "code", WorkflowError.code)
            _logger.error("Run cannot go on", run_id=run.id, workflow=run.workflow, problem=run.problem, code=code)
            return
        crash_points.reach(crash_points.AFTER_APPLY)
        if isinstance(event, ev.RunPaused):
            self._steps.hold(run)
        elif isinstance(event, ev.RunResumed):
            commands = [c for c in run.machine.outstanding() if getattr(c, "seq", None) not in run.steps]
        elif isinstance(event, ev.StepRetrying) and not run.is_paused:
            retry = run.machine.step_command(event.seq)
            if retry is not None:
                self._steps.request(run, retry)
        self._execute(run, commands)
        self._settle(run)

    def _ring(self, at_us: int, key: int, seq: int) -> None:
        if seq == _WAKE:
            self.load(key)
            return
        run = self._live.get(key)
        if run is None:
            return
        retry = run.retries.pop(seq, None)
        if retry is not None:
            self._idle.pop(key, None)
            self._steps.request(run, retry)
        elif run.timers.get(seq) == at_us:
            del run.timers[seq]
            self.append(run, ev.TimerFired(max(self._clock.now_us(), at_us), seq))

    # ── commands ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _execute(self, run: LiveRun, commands: list[cmd.Command]) -> None:  # noqa: C901, PLR0912  one line for each command
        if run.is_paused:
            return
        for command in commands:
            match command:
                case cmd.RunStep():
                    self._steps.request(run, command)
                case cmd.CancelStep(seq):
                    self._steps.withdraw(run, seq)
                case cmd.StartTimer(seq, fire_at):
                    run.timers[seq] = fire_at
                    self._alarms.add(fire_at, run.key, seq)
                case cmd.CancelTimer(seq):
                    run.timers.pop(seq, None)
                case cmd.StartChild():
                    self._start_child(run, command)
                case cmd.CancelChild(seq):
                    self._cancel_child(run, seq)
                case cmd.RecordPatch(change):
                    self.append(run, ev.PatchRecorded(self._clock.now_us(), change))
                case cmd.AnswerUpdate():
                    self._answer(run, command)
                case cmd.CompleteRun(output):
                    self._end(run, ev.RunCompleted(self._clock.now_us(), output), RunStatus.COMPLETED)
                case cmd.FailRun(failure):
                    self._end(run, ev.RunFailed(self._clock.now_us(), failure), RunStatus.FAILED)
                case cmd.CancelRun():
                    self._end(run, ev.RunCancelled(self._clock.now_us()), RunStatus.CANCELLED)
                case cmd.ContinueRun():
                    self._continue(run, command)

    def _answer(self, run: LiveRun, command: cmd.AnswerUpdate) -> None:
        output = msgspec.UNSET if command.output is None else command.output
        self.append(run, ev.UpdateAnswered(self._clock.now_us(), command.update_id, output, command.failure))

    def _start_child(self, run: LiveRun, command: cmd.StartChild) -> None:
        child_id = command.run_id or f"{run.id}.{command.seq}"
        run.children[command.seq] = child_id
        row = self._reader.by_id(child_id)
        taken = self._by_id.get(child_id)
        parent = taken.parent if taken else (row.parent_key, row.parent_seq) if row else None
        if parent == (run.key, command.seq):  # a replay asks again for a child that is there already
            if row is not None and RunStatus(row.status).is_open:
                self.find(row)
            return
        try:
            if taken or row or child_id in self.importing:
                raise WorkflowConflictError(child_id, f"run id {child_id!r} is taken by another run")
            definition = self._registry.find(command.workflow, command.version)
        except WorkflowError as error:
            self.append(
                run, ev.ChildFailed(self._clock.now_us(), command.seq, command.workflow, child_id, describe(error))
            )
            return
        trace = run.machine.trace if run.machine else None
        try:
            self.create(definition, child_id, command.input, trace=trace, parent=(run, command.seq))
        except PayloadError as error:
            self.append(
                run, ev.ChildFailed(self._clock.now_us(), command.seq, command.workflow, child_id, describe(error))
            )

    def _cancel_child(self, run: LiveRun, seq: int) -> None:
        child_id = run.children.pop(seq, None)
        if child_id is None:
            return
        child = self._by_id.get(child_id)
        if child is None:
            row = self._reader.by_id(child_id)
            child = self.find(row) if row is not None and RunStatus(row.status).is_open else None
        if child is not None:
            self.append(
                child, ev.CancelRequested(self._clock.now_us(), f"its parent {run.id!r} no longer waits for it")
            )

    def terminate(self, run: LiveRun, reason: str) -> None:
        """End a run at once, without letting it clean up; its children are asked to stop."""
        if not run.is_ending:
            self._end(run, ev.RunTerminated(self._clock.now_us(), reason), RunStatus.TERMINATED)

    def _end(
        self,
        run: LiveRun,
        event: ev.RunCompleted | ev.RunFailed | ev.RunCancelled | ev.RunTerminated,
        status: RunStatus,
    ) -> None:
        crash_points.reach(crash_points.RUN_ENDING)
        self._steps.retire(run)
        for seq in list(run.children):
            self._cancel_child(run, seq)
        objects: dict[str, bytes] = {}
        sealed, data = self._seal(run, run.next_position, event, objects)
        if isinstance(sealed, ev.RunFailed):  # also a result that is too large to be kept
            event, status = sealed, RunStatus.FAILED
        position = self._reserve(run)
        run.is_ending = True
        events = [(run.key, position, data)]
        told = self._tell_parent(run, event)
        if told is not None:
            parent, parent_event, parent_position = told
            events.append((parent.key, parent_position, self._seal(parent, parent_position, parent_event, objects)[1]))

        def durable() -> None:
            self._forget(run)
            self.growing.notify(run.key)
            self.endings.resolve(run.key, event)
            self.answers.fail(run.key, WorkflowEndedError(run.id, status.value))
            if told is not None:
                self._happened(*told)
            self.on_end(run.id)

        # The parent's share of this write takes it out of its sleep as well, which needs no second row.
        parked = self._unpark(told[0]) if told is not None else None
        self._journal.submit(
            Write(
                durable,
                events=events,
                status=StatusChange(run.key, status.value, event.time),
                parked=parked,
                objects=objects,
            )
        )

    def _tell_parent(self, run: LiveRun, event: ev.Event) -> tuple[LiveRun, ev.Event, int] | None:
        if run.parent is None:
            return None
        parent = self.load(run.parent[0])
        seq = run.parent[1]
        if parent is None or parent.is_ending:
            return None
        parent.children.pop(seq, None)
        told: ev.Event
        match event:
            case ev.RunCompleted():
                told = ev.ChildCompleted(event.time, seq, run.workflow, run.id, event.output)
            case ev.RunFailed():
                told = ev.ChildFailed(event.time, seq, run.workflow, run.id, event.failure)
            case _:
                told = ev.ChildCancelled(event.time, seq, run.workflow, run.id)
        return parent, told, self._reserve(parent)

    def _continue(self, run: LiveRun, command: cmd.ContinueRun) -> None:
        old = run.machine
        if old is None:
            return
        self._steps.retire(run)
        for seq in list(run.children):
            self._cancel_child(run, seq)
        now = self._clock.now_us()
        events: list[ev.Event] = [
            ev.RunContinued(now, command.input),
            ev.RunStarted(now, command.input, self._seeds.getrandbits(62), old.trace, old.last_seq),
            *(ev.SignalReceived(now, name, payload) for name, payload in command.signals),
        ]
        objects: dict[str, bytes] = {}
        try:
            rows = [
                (run.key, position, self._sealer.seal(run.id, position, event, objects))
                for position, event in enumerate(events, run.next_position)
            ]
        except PayloadError as error:
            self._end(run, ev.RunFailed(now, describe(error)), RunStatus.FAILED)
            return
        run.is_continuing = True
        placed = [(self._reserve(run), event) for event in events]

        def durable() -> None:
            old.drop()
            run.is_continuing = False
            run.unflushed -= 1  # the event that ended the old pass is nothing the new one has to see
            run.machine = new_machine(old.definition, run.id, old.parent_id)
            for position, event in placed[1:]:
                self._happened(run, event, position)

        self._journal.submit(Write(durable, events=rows, truncate=run.key, parked=self._unpark(run), objects=objects))


def _nobody(run_id: str) -> None:
    """Nobody asked to be told when a run ends."""


def _nothing() -> None:
    """A write that nobody waits for."""
