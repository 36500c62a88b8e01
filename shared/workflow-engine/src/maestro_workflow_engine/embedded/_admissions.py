"""Runs that wait to begin: they live on disk; here are their places, and who begins when one is free."""

from __future__ import annotations

from collections.abc import Callable
from sys import intern
from typing import TYPE_CHECKING, Any

import msgspec

from maestro_workflow_engine._attributes import Stored
from maestro_workflow_engine._definitions import WorkflowDefinition
from maestro_workflow_engine._errors import JournalCorruptError, JournalWriteError
from maestro_workflow_engine._queue import Queue
from maestro_workflow_engine._records import RunStatus
from maestro_workflow_engine._registry import WorkflowRegistry
from maestro_workflow_engine._start_options import RunExistsError
from maestro_workflow_engine.embedded import _attribute_rows as attribute_rows
from maestro_workflow_engine.embedded import _queue_rows as rows
from maestro_workflow_engine.embedded._alarms import Alarms
from maestro_workflow_engine.embedded._clock import Clock
from maestro_workflow_engine.embedded._displacing import Displaced
from maestro_workflow_engine.embedded._journal import NewRun, Statement, Write, nothing
from maestro_workflow_engine.embedded._lines import Lines
from maestro_workflow_engine.embedded._place import Arrival, Place, Stage
from maestro_workflow_engine.embedded._reader import JournalReader, RunRow
from maestro_workflow_engine.embedded._sealing import Sealer
from maestro_workflow_engine.embedded._singletons import Ref, Singletons
from maestro_workflow_engine.embedded._uploads import Uploads
from maestro_workflow_engine.machine import _events as ev

if TYPE_CHECKING:
    from maestro_workflow_engine.embedded._core import Core


class Admissions:
    """Lets runs begin as queues, times and keys allow.

    Attributes:
        places: Every run that has not ended and was started with such options, by key.
        arriving: Those whose first write is under way, by id.
        lines: The queues and their lines.
        debouncing: The runs that take further inputs.
        singletons: Who holds which key.
    """

    def __init__(
        self,
        core: Core,
        journal: Uploads,
        reader: JournalReader,
        registry: WorkflowRegistry,
        *,
        sealer: Sealer,
        clock: Clock,
    ) -> None:
        self._core = core
        self._journal = journal
        self._reader = reader
        self._sealer = sealer
        self._clock = clock
        self._alarms = Alarms(self._ring, clock)
        self._is_open = False
        self.places: dict[int, Place] = {}
        self.arriving: dict[str, Arrival] = {}
        self.lines = Lines(core, self.places, reader, registry, clock)
        self.debouncing: dict[Ref, Place] = {}
        self.singletons = Singletons()

    # ── opening and closing ──────────────────────────────────────────────────────────────────────────────────────

    def recover(self, queues: list[Queue]) -> None:
        """Take up every place as it is on disk; nothing begins before `begin`."""
        self.lines.recover(queues)
        found = self._reader.places()
        for row in sorted(found, key=lambda row: not row.begun):  # stable: those that have begun, then by age
            self._take_up(row)

    def begin(self) -> None:
        """Let runs begin from now on."""
        self._is_open = True
        for place in list(self.places.values()):
            self._seek(place)
        self.lines.begin()

    def close(self) -> None:
        """Let nothing begin any more."""
        self._is_open = False
        self._alarms.close()
        self.lines.close()

    # ── arriving ─────────────────────────────────────────────────────────────────────────────────────────────────

    def enqueue(
        self,
        definition: WorkflowDefinition[..., Any],
        run_id: str,
        input_: msgspec.Raw,
        admission: ev.Admission,
        *,
        trace: str | None,
        attributes: dict[str, Stored] | None = None,
        on_durable: Callable[[], None] | None = None,
        on_failed: Callable[[JournalWriteError], None] | None = None,
        also: tuple[Statement, ...] = (),
        order: tuple[int | str, ...] = (),
        displaced: Displaced | None = None,
    ) -> None:
        """Make a new run that waits to begin. Its key and its debounce are taken at once, it waits once it is on disk.

        Args:
            definition: Its workflow.
            run_id: Its id, which must be free, or be made so by `displaced`.
            input_: Its input.
            admission: What it waits for.
            trace: The W3C traceparent of whoever starts it.
            attributes: Its search attributes.
            on_durable: Called once it is on disk.
            on_failed: Called when the disk refuses it; there is no run then. Without it the write is tried until it succeeds.
            also: What is to reach the disk with it.
            order: Runs and names whose earlier writes go ahead of it.
            displaced: How the run that has the id makes room for it.

        Raises:
            PayloadError: The input is too large to be kept; there is no run.
        """
        now = self._clock.now_us()
        first_seq = 0 if displaced is None else displaced.first_seq
        started = ev.RunStarted(
            now, input_, self._clock.random.getrandbits(62), trace, first_seq, attributes or None, admission
        )
        objects: dict[str, bytes] = {} if displaced is None else displaced.objects
        data = self._sealer.seal(run_id, 0, started, objects)
        key = self._core.new_key()
        place = Place(key, definition.name, admission, max(now, admission.start_us))
        self.places[key] = place
        self.arriving[run_id] = Arrival(key, definition.name)
        self._core.importing.add(run_id)
        self._claim(place)

        def durable() -> None:
            self._arrived(run_id)
            place.stage = Stage.HELD
            if on_durable is not None:
                on_durable()
            self._seek(place)

        def failed(error: JournalWriteError) -> None:
            self._arrived(run_id)
            self._forget(place)
            if on_failed is not None:
                on_failed(error)

        row = NewRun(key, run_id, definition.name, definition.version, RunStatus.QUEUED.value, now, None, None)
        self._journal.submit(
            Write(
                durable,
                row,
                [(key, 0, data)],
                on_failed=failed if on_failed else None,
                first=() if displaced is None else displaced.statements,
                also=(rows.put(key, admission), *attribute_rows.made(key, attributes or {}), *also),
                order=order,
                objects=objects,
            )
        )

    def reclaim(self, run: RunRow, admission: ev.Admission | None) -> Callable[[], None]:
        """Take the singleton key again for a run that is to go on after it had ended.

        Returns:
            What gives it up, should the run not go on.

        Raises:
            RunExistsError: Another open run has it.
        """
        if admission is None or admission.singleton is None:
            return nothing
        ref = (run.workflow, admission.singleton)
        holder = self.singletons.holder(ref)
        if holder is not None:
            other = self._reader.by_key(holder)
            named = "another run" if other is None else f"run {other.id!r}"
            msg = f"run {run.id!r} cannot go on: {named} has its singleton key {ref[1]!r} now"
            raise RunExistsError(run.id if other is None else other.id, run.status, msg)
        self.singletons.claim(ref, run.key)
        return lambda: self._release(ref, run.key)

    def adopt(self, key: int) -> None:
        """Take up the place that somebody else has written for a run; a run without one stays as it is."""
        row = self._reader.place(key)
        if row is not None and key not in self.places:
            self._seek(self._take_up(row))

    # ── on the way ───────────────────────────────────────────────────────────────────────────────────────────────

    def waits(self, key: int) -> bool:
        """Tell whether a run has not begun."""
        place = self.places.get(key)
        return place is not None and not place.counts

    def is_arriving(self, key: int) -> bool:
        """Tell whether a run's first write is under way."""
        place = self.places.get(key)
        return place is not None and place.stage is Stage.ARRIVING

    def of(self, key: int) -> ev.Admission | None:
        """Return what a run waits, or has waited, for; None when it began at once."""
        place = self.places.get(key)
        return None if place is None else place.admission

    def hold(self, key: int, *, is_held: bool) -> None:
        """Keep a run that waits from beginning, or do so no longer; when it comes back it has the place it had."""
        place = self.places.get(key)
        if place is None or place.counts:
            return
        place.is_held = is_held
        self.lines.leave(place)
        if place.stage is not Stage.ENDING:
            self._seek(place)

    def reprioritize(self, place: Place, priority: int) -> None:
        """Move a run that waits to another priority."""
        place.admission = msgspec.structs.replace(place.admission, priority=priority)
        if place.stage is Stage.IN_LINE:
            self.lines.leave(place)
            self._seek(place)

    def postpone(self, place: Place, start_us: int) -> None:
        """Give a run that takes further inputs another time to begin."""
        place.admission = msgspec.structs.replace(place.admission, start_us=start_us)
        place.since_us = start_us
        if place.alarm_us is not None and start_us < place.alarm_us:
            self._seek(place)

    def revive(self) -> None:
        """Try those again that could not be taken up: a workflow has been registered."""
        stranded, self.lines.stranded = self.lines.stranded, set()
        for key in stranded:
            place = self.places.get(key)
            if place is not None and place.stage is Stage.STRANDED:
                self._seek(place)

    def leaving(self, key: int) -> tuple[Statement, ...]:
        """Return what belongs to a run's last write; from now on it does not begin any more."""
        place = self.places.get(key)
        if place is None:
            return ()
        self.lines.leave(place)
        self._take_no_more_inputs(place)
        place.stage = Stage.ENDING
        return (rows.remove(key),)

    def left(self, key: int) -> None:
        """A run's end is on disk: what it held is free."""
        place = self.places.get(key)
        if place is not None:
            self._forget(place)

    # ── inside ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _take_up(self, row: rows.PlaceRow) -> Place:
        try:
            admission = row.admission()
        except msgspec.DecodeError as error:
            path = self._reader.path
            msg = f"journal {path}: the place of run {row.run} cannot be read ({error}); nothing was changed"
            raise JournalCorruptError(path, msg) from error
        queue, tenant = (None if name is None else intern(name) for name in (admission.queue, admission.tenant))
        admission = msgspec.structs.replace(admission, queue=queue, tenant=tenant)
        since_us = max(row.created_us, admission.start_us)
        place = Place(row.run, intern(row.workflow), admission, since_us, Stage.HELD)
        self.places[row.run] = place
        if row.begun:
            self.lines.resume(place)
        place.is_held = row.status == RunStatus.PAUSED
        self._claim(place)
        return place

    def _claim(self, place: Place) -> None:
        if place.singleton is not None:
            self.singletons.claim(place.singleton, place.key)
        if place.debounce is not None and not place.counts and place.admission.start_us > self._clock.now_us():
            self.debouncing[place.debounce] = place

    def _arrived(self, run_id: str) -> None:
        self.arriving.pop(run_id, None)
        self._core.importing.discard(run_id)

    def _take_no_more_inputs(self, place: Place) -> None:
        if place.debounce is not None and self.debouncing.get(place.debounce) is place:
            del self.debouncing[place.debounce]

    def _forget(self, place: Place) -> None:
        self.places.pop(place.key, None)
        self._take_no_more_inputs(place)
        if place.counts:
            self.lines.end(place)
        if place.singleton is not None:
            self._release(place.singleton, place.key)

    def _release(self, ref: Ref, key: int) -> None:
        heir = self.singletons.release(ref, key)
        if heir is not None:
            self._seek(self.places[heir])

    def _seek(self, place: Place) -> None:
        """Bring a run as near to its beginning as it may come."""
        if not self._is_open or place.stage in (Stage.ARRIVING, Stage.BEGUN, Stage.ENDING):
            return
        admission = place.admission
        if admission.start_us > self._clock.now_us():
            place.stage = Stage.DELAYED
            if place.alarm_us is None or admission.start_us < place.alarm_us:
                place.alarm_us = admission.start_us
                self._alarms.add(admission.start_us, place.key, 0)
            return
        self._take_no_more_inputs(place)
        if place.is_held:
            place.stage = Stage.HELD
        elif place.singleton is not None and not self.singletons.holds(place.singleton, place.key):
            place.stage = Stage.BEHIND
        else:
            self.lines.join(place)

    def _ring(self, at_us: int, key: int, _: int) -> None:
        place = self.places.get(key)
        if place is not None and place.alarm_us == at_us:
            place.alarm_us = None
            self._seek(place)
