"""How a pass of a run is over: the run ends, or it starts over with a new input."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from maestro_workflow_engine._errors import PayloadError, WorkflowEndedError
from maestro_workflow_engine._failure import describe
from maestro_workflow_engine._records import RunStatus
from maestro_workflow_engine.embedded import _crash_points as crash_points
from maestro_workflow_engine.embedded._clock import Clock
from maestro_workflow_engine.embedded._journal import StatusChange, Write
from maestro_workflow_engine.embedded._live import LiveRun
from maestro_workflow_engine.embedded._loading import new_machine
from maestro_workflow_engine.embedded._run_tables import forgetting_passes
from maestro_workflow_engine.embedded._sealing import Sealer
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
        """End a run: its last event, its status and its parent's share are one write."""
        crash_points.reach(crash_points.RUN_ENDING)
        core = self._core
        core.steps.retire(run)
        core.children.cancel_all(run)
        objects: dict[str, bytes] = {}
        sealed, data = core.seal(run, run.next_position, event, objects)
        if isinstance(sealed, ev.RunFailed):  # also a result that is too large to be kept
            event, status = sealed, RunStatus.FAILED
        position = core.reserve(run)
        run.is_ending = True
        events = [(run.key, position, data)]
        told = core.children.told(run, event)
        if told is not None:
            parent, parent_event = told
            parent_position = core.reserve(parent)
            events.append((parent.key, parent_position, core.seal(parent, parent_position, parent_event, objects)[1]))

        def durable() -> None:
            if on_durable is not None:
                on_durable()
            core.residents.forget(run)
            core.admissions.left(run.key)
            core.growing.notify(run.key)
            core.endings.resolve(run.key, event)
            core.answers.fail(run.key, WorkflowEndedError(run.id, status.value))
            if told is not None:
                core.happened(parent, parent_event, parent_position)
            for tell in core.on_end:
                tell(run.id)

        # The parent's share of this write takes it out of its sleep as well, which needs no second row.
        parked = core.unpark(told[0]) if told is not None else None
        core.let_in(run)
        change = StatusChange(run.key, status.value, event.time)
        also = core.admissions.leaving(run.key)
        self._journal.submit(Write(durable, events=events, status=change, parked=parked, also=also, objects=objects))

    def start_over(self, run: LiveRun, command: cmd.ContinueRun) -> None:
        """Begin a new pass with an empty history, under the same id."""
        core, old = self._core, run.machine
        if old is None:
            return
        run.is_over = run.arriving > 0  # what is acknowledged by then comes along: `Core.happened` asks again
        if run.is_over:
            return
        core.steps.retire(run)
        core.children.cancel_all(run)
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
                (run.key, position, self._sealer.seal(run.id, position, event, objects))
                for position, event in enumerate(events, run.next_position)
            ]
        except PayloadError as error:
            self.end(run, ev.RunFailed(now, describe(error)), RunStatus.FAILED)
            return
        run.started = None
        placed = [(core.reserve(run), event) for event in events]
        run.arriving += sum(
            isinstance(event, ev.ARRIVALS) for event in events
        )  # the next pass may start over amid them

        def durable() -> None:
            old.drop()
            run.unflushed -= 1  # the event that ended the old pass is nothing the new one has to see
            run.machine = new_machine(old.definition, run.id, old.parent_id)
            for position, event in placed[1:]:
                if isinstance(event, ev.ARRIVALS):
                    run.arriving -= 1
                core.happened(run, event, position)
            self._journal.on_unreferenced()

        also = self._journal.when_stored(lambda: forgetting_passes(run.key, rows[0][1], now))
        write = Write(durable, events=rows, truncate=run.key, parked=core.unpark(run), objects=objects, also=also)
        self._journal.submit(write)
        core.let_in(run)
