"""How a pass of a run is over: the run ends, or it starts over with a new input."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from maestro_workflow_engine._errors import PayloadError, WorkflowEndedError
from maestro_workflow_engine._failure import describe
from maestro_workflow_engine._parent_close import ParentClose
from maestro_workflow_engine._records import RunStatus
from maestro_workflow_engine.embedded import _crash_points as crash_points
from maestro_workflow_engine.embedded._clock import Clock
from maestro_workflow_engine.embedded._journal import StatusChange
from maestro_workflow_engine.embedded._live import LiveRun
from maestro_workflow_engine.embedded._loading import new_machine
from maestro_workflow_engine.embedded._run_tables import forgetting_passes
from maestro_workflow_engine.embedded._sealing import Sealer
from maestro_workflow_engine.embedded._together import Together
from maestro_workflow_engine.embedded._uploads import Uploads
from maestro_workflow_engine.machine import _commands as cmd
from maestro_workflow_engine.machine import _events as ev

if TYPE_CHECKING:
    from maestro_workflow_engine.embedded._core import Core

LastEvent = ev.RunCompleted | ev.RunFailed | ev.RunCancelled | ev.RunTerminated


class Closing:
    """Writes how passes end, and with the end of a child what it means to its parent."""

    def __init__(self, core: Core, journal: Uploads, sealer: Sealer, clock: Clock) -> None:
        self._core = core
        self._journal = journal
        self._sealer = sealer
        self._clock = clock

    def end(
        self, run: LiveRun, event: LastEvent, status: RunStatus, *, on_durable: Callable[[], None] | None = None
    ) -> None:
        """End a run: its last event, its status, its parent's share and what becomes of its children are one write."""
        crash_points.reach(crash_points.RUN_ENDING)
        together = Together(self._core)
        if on_durable is not None:
            together.then(on_durable)
        self.end_together(run, event, status, together)
        self._journal.submit(together.write())

    def start_over(self, run: LiveRun, command: cmd.ContinueRun) -> None:
        """Begin a new pass with an empty history, under the same id."""
        core, old = self._core, run.machine
        if old is None:
            return
        run.is_over = run.arriving > 0  # what is acknowledged by then comes along: `Core.happened` asks again
        if run.is_over:
            return
        core.steps.retire(run)
        now = self._clock.now_us()
        admission = core.admissions.of(run.key)
        events: list[ev.Event] = [
            ev.RunContinued(now, command.input),
            ev.RunStarted(
                now,
                command.input,
                self._clock.random.getrandbits(62),
                old.trace,
                old.last_seq,
                dict(old.attributes.current) or None,
                admission,
            ),
            *(() if admission is None else (ev.RunAdmitted(now),)),  # it keeps its place
            *(ev.SignalReceived(now, name, payload) for name, payload in command.signals),
            *command.arrived,
        ]
        objects: dict[str, bytes] = {}
        try:
            rows = [
                self._sealer.seal(run.id, position, event, objects)
                for position, event in enumerate(events, run.next_position)
            ]
        except PayloadError as error:
            self.end(run, ev.RunFailed(now, describe(error)), RunStatus.FAILED)
            return
        run.started = None
        together = Together(core)
        placed = list(zip(together.place_sealed(run, rows, objects), events, strict=True))
        run.arriving += sum(
            isinstance(event, ev.ARRIVALS) for event in events
        )  # the next pass may start over amid them
        together.also(*core.steps.heart.purge(run))
        together.also(*self._journal.when_stored(lambda: forgetting_passes(run.key, placed[0][0], now)))

        def durable() -> None:
            old.drop()
            run.unflushed -= 1  # the event that ended the old pass is nothing the new one has to see
            run.machine = new_machine(old.definition, run.id, old.parent_id)
            for position, event in placed[1:]:
                if isinstance(event, ev.ARRIVALS):
                    run.arriving -= 1
                core.happened(run, event, position)
            core.events.taken_up(run)
            self._journal.on_unreferenced()

        together.then(durable)
        together.wake(run)
        self._leave_children(run, together)
        write = together.write()
        write.truncate = run.key
        self._journal.submit(write)
        core.let_in(run)

    def end_together(self, run: LiveRun, event: LastEvent, status: RunStatus, together: Together) -> None:
        """End a run with other things in one write."""
        core = self._core
        core.steps.retire(run)
        last = together.end(run, event)
        ended = RunStatus.FAILED if isinstance(last, ev.RunFailed) else status  # its result may be too large to be kept
        together.status(StatusChange(run.key, ended.value, last.time))
        if not core.steps.heart.is_still:
            together.also(*core.steps.heart.purge(run))
        together.also(*core.admissions.leaving(run.key), *core.events.ended(run))

        def durable() -> None:
            core.residents.forget(run)
            core.admissions.left(run.key)
            core.growing.notify(run.key)
            core.endings.resolve(run.key, last)
            core.answers.fail(run.key, WorkflowEndedError(run.id, ended.value))

        together.then(durable)
        told = core.children.told(run, last)
        if told is not None:
            together.add(*told)
        together.then(partial(self._tell, run.id))
        self._leave_children(run, together)
        core.let_in(run)

    def _leave_children(self, run: LiveRun, together: Together) -> None:
        now, reason = self._clock.now_us(), f"its parent {run.id!r} has closed"
        for child in self._core.children.still_open(run):
            match child.on_close:
                case ParentClose.TERMINATE:
                    self.end_together(child, ev.RunTerminated(now, reason), RunStatus.TERMINATED, together)
                case ParentClose.ABANDON:  # its start must not be overtaken by the end of the one who would repeat it
                    together.after(child)
                case _:
                    together.add(child, ev.CancelRequested(now, reason))

    def _tell(self, run_id: str) -> None:
        for tell in self._core.on_end:
            tell(run_id)
