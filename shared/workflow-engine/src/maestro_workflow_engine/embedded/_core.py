"""The heart of the runner: events go to disk, then to the run's machine, and what the machine asks for is done."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec

from maestro_core_logging import get_logger
from maestro_workflow_engine._attributes import Stored
from maestro_workflow_engine._definitions import WorkflowDefinition
from maestro_workflow_engine._errors import JournalCorruptError, JournalWriteError, PayloadError
from maestro_workflow_engine._event_sink import EventSink
from maestro_workflow_engine._parent_close import ParentClose
from maestro_workflow_engine._records import RunStatus
from maestro_workflow_engine._registry import WorkflowRegistry
from maestro_workflow_engine.embedded import _attribute_rows as attribute_rows
from maestro_workflow_engine.embedded import _crash_points as crash_points
from maestro_workflow_engine.embedded._admissions import Admissions
from maestro_workflow_engine.embedded._alarms import Alarms
from maestro_workflow_engine.embedded._children import Children
from maestro_workflow_engine.embedded._closing import Closing
from maestro_workflow_engine.embedded._displacing import Displaced
from maestro_workflow_engine.embedded._downloads import Downloads
from maestro_workflow_engine.embedded._event_hub import EventHub
from maestro_workflow_engine.embedded._heart import Heart
from maestro_workflow_engine.embedded._journal import NewRun, Parked, Parking, Statement, StatusChange, Write, nothing
from maestro_workflow_engine.embedded._live import LiveRun
from maestro_workflow_engine.embedded._loading import new_machine
from maestro_workflow_engine.embedded._outbox import Outbox
from maestro_workflow_engine.embedded._pauses import Pauses
from maestro_workflow_engine.embedded._reader import JournalReader
from maestro_workflow_engine.embedded._refusal import in_place_of
from maestro_workflow_engine.embedded._residents import WAKE, Residents
from maestro_workflow_engine.embedded._sealing import Sealer
from maestro_workflow_engine.embedded._stepping import StepScheduler
from maestro_workflow_engine.embedded._surroundings import Surroundings
from maestro_workflow_engine.embedded._uploads import Uploads
from maestro_workflow_engine.embedded._watchers import Answers, Endings, Watchers
from maestro_workflow_engine.machine import WorkflowMachine
from maestro_workflow_engine.machine import _commands as cmd
from maestro_workflow_engine.machine import _events as ev

_PAUSES = (ev.RunPaused, ev.RunResumed)
_STEERING = (*_PAUSES, ev.StepRetrying)
_TOLD = (*ev.ARRIVALS, ev.UpdateAnswered)
_SET_CLOSE = "UPDATE runs SET on_parent_close = ? WHERE key = ?"
_logger = get_logger(__name__)


class Core:
    """What happens to runs.

    Every event takes one way: `append` gives it a position and queues it for the journal; once it is on disk `happened`
    applies it to the run's machine; `_execute` does what the machine asks for.

    Attributes:
        residents: The runs in memory.
        steps: Runs their steps.
        children: Starts and stops their children.
        closing: Ends them.
        events: Brings events to those who listen.
        admissions: The runs that wait to begin.
        pauses: Which workflows are paused.
        rung_us: The latest time at which a sleeping run of one of them should have woken (µs since the epoch).
        importing: The ids of runs that are on their way to the disk and not in memory.
        growing: Tells of every event.
        endings: Tells of every end.
        answers: Tells of every answer to an update.
        on_end: Called with the id of every run that has ended, each of them.
        purging: The keys of runs whose deletion is on the way to the disk.
        retrying: The keys of failed runs that are being brought back to life.
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
        sink: EventSink | None,
        surroundings: Surroundings,
    ) -> None:
        self._journal = journal
        self._clock = surroundings.clock
        self._reader = reader
        self._sealer = sealer
        self._last_key = reader.last_key()
        self.importing: set[str] = set()
        self.pauses = Pauses(reader.pauses())
        self.rung_us = 0
        self._alarms = Alarms(self._ring, self._clock)
        self.residents = Residents(
            journal,
            reader,
            registry,
            downloads=downloads,
            pauses=self.pauses,
            alarms=self._alarms,
            clock=self._clock,
            most=max_in_memory,
            execute=self._taken_up,
        )
        self.steps = StepScheduler(
            limit=max_concurrent,
            threads=threads,
            alarms=self._alarms,
            find=self.residents.by_key.get,
            report=self.append,
            surroundings=surroundings,
            heart=Heart(journal, reader, sealer, surroundings, self.live),
        )
        self.admissions = Admissions(self, journal, reader, registry, sealer=sealer, clock=self._clock)
        self.children = Children(self, journal, reader, registry, self._clock)
        self.closing = Closing(self, journal, sealer, self._clock)
        outbox = Outbox(journal, reader, sealer, sink)
        self.events = EventHub(self, journal, reader, sealer, self._clock, outbox)
        self.growing = Watchers()
        self.endings = Endings()
        self.answers = Answers()
        self.on_end: list[Callable[[str], None]] = []
        self.purging: set[int] = set()
        self.retrying: set[int] = set()

    def recover(self) -> list[int]:
        """Set the alarms of sleeping runs.

        Returns:
            The keys of the runs that were at work when the journal was last closed, and are not held by a pause; load each.
        """
        self._alarms.fill((wake_us, key, WAKE) for wake_us, key in self._reader.sleeping())
        return [
            key for key, workflow, version in self._reader.interrupted() if self.pauses.find(workflow, version) is None
        ]

    def take_up(self, key: int) -> None:
        """Bring a run into memory, so that it goes on by itself. One that cannot be read stays where it is."""
        try:
            self.residents.load(key)
        except JournalCorruptError as error:  # the others go on; asked for, this one says the same
            _logger.error("Run cannot be taken up", key=key, problem=str(error), code=error.code)

    def close(self) -> None:
        """Stop every step and put what can sleep to sleep; the journal still takes these last writes."""
        self.admissions.close()
        self._alarms.close()
        self.steps.heart.close()
        self.residents.close()
        for run in self.residents:
            if run.is_idle:
                self.residents.park(run)
            else:
                self.steps.retire(run)
                self.residents.forget(run)
        self.steps.close()
        self.growing.notify_all()
        self.endings.close()
        self.answers.close()
        self.events.close()

    def live(self, run_id: str) -> LiveRun | None:
        """Return a run that is in memory."""
        return self.residents.by_id.get(run_id)

    def key_of(self, run_id: str) -> int | None:
        """Return the key of a run that is in memory or about to be on disk."""
        arrival = self.admissions.arriving.get(run_id) or self.residents.by_id.get(run_id)
        return None if arrival is None else arrival.key

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
        attributes: dict[str, Stored] | None = None,
        parent: tuple[LiveRun, int] | None = None,
        on_close: str = ParentClose.CANCEL,
        announce: ev.ChildStarted | None = None,
        on_durable: Callable[[], None] | None = None,
        on_failed: Callable[[JournalWriteError], None] | None = None,
        also: tuple[Statement, ...] = (),
        order: tuple[int | str, ...] = (),
        displaced: Displaced | None = None,
    ) -> LiveRun:
        """Make a new run. It begins once it is on disk.

        Args:
            definition: Its workflow.
            run_id: Its id, which must be free.
            input_: Its input.
            trace: The W3C traceparent of whoever starts it.
            attributes: Its search attributes.
            parent: The run that starts it as a child, and the sequence number of its call.
            on_close: What happens to it when its parent closes.
            announce: What happens to the parent once the run is on disk, in the same transaction.
            on_durable: Called once it is on disk.
            on_failed: Called when the disk refuses it; there is no run then. Without it the write is tried until it succeeds.
            also: What is to reach the disk with it.
            order: Runs and names whose earlier writes go ahead of it.
            displaced: How the run that has the id makes room for it.

        Raises:
            PayloadError: The input is too large to be kept; there is no run.
        """
        first_seq = 0 if displaced is None else displaced.first_seq
        started = ev.RunStarted(
            self._clock.now_us(), input_, self._clock.random.getrandbits(62), trace, first_seq, attributes or None
        )
        objects: dict[str, bytes] = {} if displaced is None else displaced.objects
        data = self._sealer.seal(run_id, 0, started, objects)
        parent_ref = None if parent is None else (parent[0].key, parent[1])
        machine = new_machine(definition, run_id, parent[0].id if parent else None)
        run = LiveRun(self.new_key(), run_id, definition.name, definition.version, machine, parent_ref, 1, unflushed=1)
        run.started, run.on_close = started, on_close
        if self.pauses:
            run.is_held = self.pauses.find(run.workflow, run.version) is not None
        if attributes:
            also = (*also, *attribute_rows.made(run.key, attributes))
        self.residents.admit(run)
        events, parked, news = [(run.key, 0, data)], None, None
        if parent is not None and announce is not None:
            news = parent[0], announce, self.reserve(parent[0])
            events.append((parent[0].key, news[2], self._sealer.seal(parent[0].id, news[2], announce, objects)))
            parked = self.unpark(parent[0])
        if parent is not None and on_close != ParentClose.CANCEL:
            also = (*also, (_SET_CLOSE, (on_close, run.key)))

        def durable() -> None:
            if on_durable is not None:
                on_durable()
            self.happened(run, started, 0)
            if news is not None:
                self.happened(*news)

        def failed(error: JournalWriteError) -> None:
            self.residents.forget(run)
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
        failing = failed if on_failed else None
        first = () if displaced is None else displaced.statements
        write = Write(durable, row, events, parked=parked, on_failed=failing, also=also, order=order, objects=objects)
        write.first = first
        self._journal.submit(write)
        return run

    def append(
        self,
        run: LiveRun,
        event: ev.Event,
        *,
        status: RunStatus | None = None,
        on_durable: Callable[[], None] | None = None,
        on_failed: Callable[[JournalWriteError], None] | None = None,
        also: tuple[Statement, ...] = (),
    ) -> None:
        """Journal an event, and the run's new status with it; once they are on disk, let it happen.

        Raises:
            PayloadError: A signal, an update or a reason is too large to be kept; it was not sent.
        """
        if run.is_ending or self.residents.by_key.get(run.key) is not run:
            if on_failed is not None:
                on_failed(self._ended_before(run))
            return
        objects: dict[str, bytes] = {}
        event, data = self.seal(run, run.next_position, event, objects)
        if isinstance(event, ev.ARRIVALS):
            if run.is_over:
                run.held_back.append(
                    partial(
                        self._let_in, run, event, status=status, on_durable=on_durable, on_failed=on_failed, also=also
                    )
                )
                return
            run.arriving += 1
        position, parked = self.reserve(run), self.unpark(run) if run.parked_on_disk else None
        failed = None if on_failed is None else partial(self._failed, run, event, on_failed, woken=parked is not None)
        write = Write(
            partial(self._durable, run, event, position, on_durable),
            events=[(run.key, position, data)],
            status=None if status is None else StatusChange(run.key, status.value),
            parked=parked,
            on_failed=failed,
            also=also,
            objects=objects,
        )
        self._journal.submit(write)

    def _durable(self, run: LiveRun, event: ev.Event, position: int, on_durable: Callable[[], None] | None) -> None:
        if on_durable is not None:
            on_durable()
        if isinstance(event, _TOLD):
            if isinstance(event, ev.UpdateAnswered):  # as it was kept: an answer may be too large
                self.answers.resolve(run.key, event)
            else:
                run.arriving -= 1
        self.happened(run, event, position)

    def _failed(
        self,
        run: LiveRun,
        event: ev.Event,
        on_failed: Callable[[JournalWriteError], None],
        error: JournalWriteError,
        *,
        woken: bool,
    ) -> None:
        run.unflushed -= 1
        if woken:
            self._still_asleep(run)
        if isinstance(event, ev.ARRIVALS):
            run.arriving -= 1
            self._start_over_at_last(run)
        self._settle(run)
        on_failed(error)

    def _still_asleep(self, run: LiveRun) -> None:
        """Take note that a run's waking was refused with the event that it came with, so that it comes with another one."""
        run.parked_on_disk = True
        if run.unflushed and self.residents.by_key.get(run.key) is run:  # what follows counts on it, and may succeed
            self._journal.submit(Write(nothing, parked=self.unpark(run)))

    def seal(self, run: LiveRun, position: int, event: ev.Event, objects: dict[str, bytes]) -> tuple[ev.Event, bytes]:
        """Return an event as it is kept, which may tell of a refusal instead, and its bytes."""
        try:
            return event, self._sealer.seal(run.id, position, event, objects)
        except PayloadError as error:
            event = in_place_of(event, error)
        return event, self._sealer.seal(run.id, position, event, objects)

    def reserve(self, run: LiveRun) -> int:
        """Return the position of a run's next event, which is about to be written."""
        self.residents.stay(run)
        position = run.next_position
        run.next_position += 1
        run.unflushed += 1
        return position

    def unpark(self, run: LiveRun) -> Parked | None:
        """Return what takes a run out of its sleep on disk; None when it does not sleep there."""
        if not run.parked_on_disk:
            return None
        run.parked_on_disk = False
        return Parked(run.key, Parking.NOT)

    def happened(self, run: LiveRun, event: ev.Event, position: int) -> None:
        """Let an event happen that is on disk: apply it, and do what the run then asks for."""
        run.unflushed -= 1
        self.growing.notify(run.key)
        if isinstance(event, _PAUSES):
            run.is_paused = isinstance(event, ev.RunPaused)
            self.admissions.hold(run.key, is_held=run.is_paused)
        if run.machine is None or self.residents.by_key.get(run.key) is not run:
            return
        if position <= run.seen:  # it came while the run was being taken up
            self._settle(run)
            return
        crash_points.reach(crash_points.BEFORE_APPLY)
        try:
            commands = run.machine.apply(event, position)
        except Exception as error:  # noqa: BLE001  one run stops over it; those that share its commit go on
            run.machine.drop()
            run.machine = None
            self.steps.retire(run)
            self.residents.stuck(run, error)
            return
        crash_points.reach(crash_points.AFTER_APPLY)
        if isinstance(event, _STEERING):
            commands = self._steered(run, run.machine, event, commands)
        if commands:
            self._execute(run, commands)
        if run.is_over:
            self._start_over_at_last(run)
        if run.is_held or not run.steps:
            self._settle(run)

    def _steered(
        self, run: LiveRun, machine: WorkflowMachine, event: ev.Event, commands: list[cmd.Command]
    ) -> list[cmd.Command]:
        """Do what an event means that the workflow does not see, and return what is to be done then."""
        if isinstance(event, ev.RunPaused):
            self.steps.hold(run)
        elif isinstance(event, ev.RunResumed):
            self.events.taken_up(run)
            return [c for c in machine.outstanding() if getattr(c, "seq", None) not in run.steps]
        elif isinstance(event, ev.StepRetrying) and not (run.is_paused or run.is_held):
            retry = machine.step_command(event.seq)
            if retry is not None:
                self.steps.request(run, retry)
        return commands

    def hold(self, run: LiveRun) -> None:
        """Start nothing more of a run: its workflow is paused."""
        run.is_held = True
        self.steps.hold(run)
        self.residents.settle(run)

    def release(self, run: LiveRun) -> None:
        """Let a run go on that was held, as soon as nothing is being written for it.

        What is being written may answer what its machine would ask for again: a step that has just returned.
        """
        if not run.is_held or run.unflushed or self.pauses.find(run.workflow, run.version) is not None:
            return
        run.is_held = False
        if run.machine is not None and not run.is_ending:
            self._taken_up(run, [c for c in run.machine.outstanding() if getattr(c, "seq", None) not in run.steps])
        self.residents.settle(run)

    def _settle(self, run: LiveRun) -> None:
        if run.is_held:
            self.release(run)
        self.residents.settle(run)

    def _start_over_at_last(self, run: LiveRun) -> None:
        if not run.is_over or run.arriving or run.is_ending or run.is_paused or run.is_held:
            return
        if run.machine is not None:
            continuation = run.machine.continuation
            if continuation is not None:
                self.closing.start_over(run, continuation)

    def let_in(self, run: LiveRun) -> None:
        """Journal what was held back while a run waited to start over, or refuse it where the run has ended instead."""
        run.is_over = False
        held, run.held_back = run.held_back, []
        for each in held:
            each()

    def _let_in(
        self,
        run: LiveRun,
        event: ev.Event,
        *,
        on_failed: Callable[[JournalWriteError], None] | None,
        **how: Any,
    ) -> None:
        if not run.is_ending:
            self.append(run, event, on_failed=on_failed, **how)
        elif on_failed is not None:
            on_failed(self._ended_before(run))

    def _ended_before(self, run: LiveRun) -> JournalWriteError:
        return JournalWriteError(self._journal.path, f"run {run.id!r} has ended before it could be kept")

    def cancel(
        self,
        run: LiveRun,
        reason: str,
        *,
        on_durable: Callable[[], None] | None = None,
        on_failed: Callable[[JournalWriteError], None] | None = None,
    ) -> None:
        """Ask a run to stop. One that has not begun ends at once, and then `on_failed` is not called: it is tried until it succeeds.

        Raises:
            PayloadError: The reason is too large to be kept; the run was not asked.
        """
        now = self._clock.now_us()
        if not self.admissions.waits(run.key):
            self.append(run, ev.CancelRequested(now, reason), on_durable=on_durable, on_failed=on_failed)
        elif not run.is_ending:
            self.closing.end(run, ev.RunCancelled(now, reason), RunStatus.CANCELLED, on_durable=on_durable)

    def terminate(self, run: LiveRun, reason: str) -> None:
        """End a run at once, without letting it clean up."""
        if not run.is_ending:
            self.closing.end(run, ev.RunTerminated(self._clock.now_us(), reason), RunStatus.TERMINATED)

    def _ring(self, at_us: int, key: int, seq: int) -> None:
        if seq == WAKE:
            self._wake(at_us, key)
            return
        run = self.residents.by_key.get(key)
        if run is None:
            return
        retry = run.retries.pop(seq, None)
        if retry is not None:
            self.residents.stay(run)
            self.steps.request(run, retry)
        elif run.timers.get(seq) == at_us:
            del run.timers[seq]
            self.append(run, ev.TimerFired(max(self._clock.now_us(), at_us), seq))
        elif seq in run.queued:
            self.steps.expire(run, seq)

    def _wake(self, at_us: int, key: int) -> None:
        if self.pauses and key not in self.residents.by_key:
            row = self._reader.by_key(key)
            if row is not None and self.pauses.find(row.workflow, row.version) is not None:
                self.rung_us = max(self.rung_us, at_us)  # it sleeps on; the end of the pause wakes it
                return
        self.take_up(key)

    # ── commands ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _taken_up(self, run: LiveRun, commands: list[cmd.Command]) -> None:
        self.events.taken_up(run)
        self._execute(run, commands)

    def _execute(self, run: LiveRun, commands: list[cmd.Command]) -> None:  # noqa: C901, PLR0912  one line for each command
        if run.is_paused or run.is_held:
            if run.machine is not None and run.machine.told:  # what has happened can be told all the same
                self.events.announce(run)
            return
        for command in commands:
            match command:
                case cmd.RunStep():
                    self.steps.request(run, command)
                case cmd.CancelStep(seq):
                    self.steps.withdraw(run, seq)
                case cmd.StartTimer(seq, fire_at):
                    run.timers[seq] = fire_at
                    self._alarms.add(fire_at, run.key, seq)
                case cmd.CancelTimer(seq):
                    run.timers.pop(seq, None)
                case cmd.StartChild():
                    self.children.start(run, command)
                case cmd.CancelChild():
                    self.children.cancel(run, command)
                case cmd.SendSignal() | cmd.SendCancel():
                    self.children.request(run, command)
                case cmd.PublishEvent():
                    self.events.emit(run, command)
                case cmd.Subscribe():
                    self.events.subscribe(run, command)
                case cmd.Unsubscribe(name):
                    self.events.unsubscribe(run, name)
                case cmd.Announce():
                    self.events.announce(run)
                case cmd.RecordPatch(change):
                    self.append(run, ev.PatchRecorded(self._clock.now_us(), change))
                case cmd.RecordAttributes():
                    self._record(run, command)
                case cmd.AnswerUpdate():
                    self._answer(run, command)
                case cmd.CompleteRun(output):
                    self.closing.end(run, ev.RunCompleted(self._clock.now_us(), output), RunStatus.COMPLETED)
                case cmd.FailRun(failure):
                    self.closing.end(run, ev.RunFailed(self._clock.now_us(), failure), RunStatus.FAILED)
                case cmd.CancelRun():
                    self.closing.end(run, ev.RunCancelled(self._clock.now_us()), RunStatus.CANCELLED)
                case cmd.ContinueRun():
                    self.closing.start_over(run, command)

    def _record(self, run: LiveRun, command: cmd.RecordAttributes) -> None:
        rows = attribute_rows.changed(run.key, command.changed, command.after)
        self.append(run, ev.AttributesSet(self._clock.now_us(), command.changed), also=rows)

    def _answer(self, run: LiveRun, command: cmd.AnswerUpdate) -> None:
        output = msgspec.UNSET if command.output is None else command.output
        self.append(run, ev.UpdateAnswered(self._clock.now_us(), command.update_id, output, command.failure))
