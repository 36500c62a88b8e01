"""New runs: started, forked off another, taken over from another journal."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from typing import Any

import msgspec
from opentelemetry import trace
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from maestro_workflow_engine._attributes import checked
from maestro_workflow_engine._definitions import WorkflowDefinition
from maestro_workflow_engine._errors import JournalWriteError, WorkflowConflictError
from maestro_workflow_engine._history_document import HistoryDocument
from maestro_workflow_engine._records import RunStatus
from maestro_workflow_engine._start_options import Debounce, RunExistsError, SingletonPolicy, StartOptions
from maestro_workflow_engine.embedded import _queue_rows as rows
from maestro_workflow_engine.embedded._admission import admission_of, postponed
from maestro_workflow_engine.embedded._branching import before_step, forked
from maestro_workflow_engine.embedded._displacing import Displaced, check_displaceable, displace
from maestro_workflow_engine.embedded._importing import import_run
from maestro_workflow_engine.embedded._journal import Write, nothing
from maestro_workflow_engine.embedded._opened import Acknowledgement, Opened, whole
from maestro_workflow_engine.embedded._place import Place
from maestro_workflow_engine.embedded._reader import RunRow
from maestro_workflow_engine.embedded._run_ids import RunIds
from maestro_workflow_engine.embedded._run_reading import EmbeddedReading, Reading
from maestro_workflow_engine.embedded._run_steering import EmbeddedSteering
from maestro_workflow_engine.embedded._singletons import Ref
from maestro_workflow_engine.embedded._start_verdict import Verdict, verdict
from maestro_workflow_engine.machine import _events as ev

_propagator = TraceContextTextMapPropagator()
_PLAIN = StartOptions()


class EmbeddedStarting:
    """Makes runs; each call returns once the run is on disk."""

    def __init__(self, opened: Opened, reading: EmbeddedReading, steering: EmbeddedSteering) -> None:
        self._opened = opened
        self._reading = reading
        self._steering = steering
        self._ids = RunIds()
        self._asked: set[int] = set()  # runs that were asked to stop for the sake of another of their id

    async def start(
        self,
        definition: WorkflowDefinition[..., Any],
        run_id: str | None,
        input_: msgspec.Raw,
        options: StartOptions | None = None,
    ) -> str:
        """Start a run.

        Returns:
            The run's id. A run that has it already is the same run, unless the options say otherwise.

        Raises:
            WorkflowConflictError: The id belongs to a run of another workflow.
            RunExistsError: There is such a run, and the options say that this is an error.
            QueueNotFoundError: The queue is not declared.
            JournalWriteError: The disk refuses; there is no such run.
        """
        if options is not None and options.queue is not None:
            self._opened.core.admissions.lines.check(options.queue)
        if options is not None and options.debounce is not None:
            return await self._debounced(definition, input_, options, options.debounce)
        if run_id is None:
            run_id, is_new = self._ids.new(), True
        else:
            is_new = False
        stopped: int | None = None
        while True:
            row = None if is_new else await self._taken(run_id, definition.name)
            if row is not None and row.key != stopped:
                decided = verdict(run_id, RunStatus(row.status), options or _PLAIN)
                if decided is Verdict.USE:
                    return run_id
                check_displaceable(row)  # before anything is done to it
                if decided is not Verdict.DISPLACE:
                    await self._ended(row, is_asked=decided is Verdict.CANCEL)
                    stopped = row.key  # however it has ended, it makes room now
                    continue
            started = await self._attempt(row, definition, run_id, input_, options)
            if started is not None:
                return started

    async def fork(self, run_id: str, step: int, new_id: str | None) -> str:
        """Make a new run from the beginning of another's history. It begins at once, and counts in that one's queue.

        Returns:
            The new run's id.

        Raises:
            WorkflowNotFoundError: No such run.
            WorkflowConflictError: The new id is taken.
            StepNotFoundError: The history has no such step.
            HistoryPurgedError: The history is not whole any more.
            JournalWriteError: The disk refuses; there is no new run.
        """
        opened, core = self._opened, self._opened.core
        source = whole(opened.row(run_id))
        new_id = new_id or self._ids.new()
        if opened.is_taken(new_id):
            raise WorkflowConflictError(new_id, f"run id {new_id!r} is taken")
        async with self._reading.at_hand(run_id, Reading.HISTORY):
            events = before_step(source.id, list(opened.reader.history(source.key)), step)
        if opened.is_taken(new_id):
            raise WorkflowConflictError(new_id, f"run id {new_id!r} is taken")
        key = core.new_key()
        write = forked(source, events, opened.sealer, key=key, run_id=new_id, now=opened.clock.now_us())
        await opened.write(write)
        core.admissions.adopt(key)
        core.residents.load(key)
        return new_id

    async def import_run(self, document: HistoryDocument, run_id: str) -> None:
        """Keep a run of another journal; see `_importing`."""
        opened = self._opened
        await import_run(opened.core, opened.reader, opened.uploads, opened.sealer, document, run_id)

    # ── an id that is taken ──────────────────────────────────────────────────────────────────────────────────────

    async def _taken(self, run_id: str, workflow: str) -> RunRow | None:
        """Return the run that has an id, once its first write is on disk; None when it is free."""
        core, reader = self._opened.core, self._opened.reader
        while True:
            arrival, live, row = core.admissions.arriving.get(run_id), core.live(run_id), reader.by_id(run_id)
            if arrival is None and run_id in core.importing:
                raise WorkflowConflictError(run_id, f"run id {run_id!r} is being imported")
            newest = arrival or live
            known = newest.workflow if newest else row.workflow if row else None
            if known is None:
                return None
            if known != workflow:
                raise WorkflowConflictError(run_id, f"run id {run_id!r} is taken by a run of workflow {known!r}")
            if newest is None or (row is not None and row.key == newest.key):
                return row
            # Its first write is under way; do not acknowledge it before that.
            await self._opened.write(Write(nothing, order=(newest.key,)))

    async def _ended(self, row: RunRow, *, is_asked: bool) -> None:
        """Bring a run to its end, and wait for that."""
        core = self._opened.core
        run = core.live(row.id)
        if run is None or not run.is_ending:
            if not is_asked:
                await self._steering.terminate(row.id, "another run is started under its id")
                return
            if row.key not in self._asked:  # once: a second time would disturb its clean-up
                self._asked.add(row.key)
                try:
                    await self._steering.cancel(row.id, "another run is started under its id")
                except BaseException:
                    self._asked.discard(row.key)
                    raise
        found = self._opened.reader.by_key(row.key)
        if found is not None and RunStatus(found.status).is_open:
            await core.endings.wait(row.key)
        self._asked.discard(row.key)

    # ── beginning ────────────────────────────────────────────────────────────────────────────────────────────────

    async def _attempt(
        self,
        row: RunRow | None,
        definition: WorkflowDefinition[..., Any],
        run_id: str,
        input_: msgspec.Raw,
        options: StartOptions | None,
    ) -> str | None:
        """Start a run, in the place of one that has ended if there is a row of it.

        Returns:
            The id of the run, or of the open one of its singleton key; None when something has to be decided again. Between the
            decision and the write nobody else has a turn.
        """
        if row is None and (options is None or not options.is_held_back):
            done = self._create(definition, run_id, input_, options, None)
            await done.wait()
            return run_id
        core, displaced = self._opened.core, None
        async with self._reading.at_hand(run_id, Reading.HISTORY) if row is not None else nullcontext():
            if row is not None:
                now = self._opened.reader.by_id(run_id)
                if now is None or now.key != row.key or now.finished_us is None or self._opened.is_on_its_way(run_id):
                    await asyncio.sleep(0)
                    return None
                displaced = displace(row, self._opened.reader, self._opened.sealer, is_taken=self._opened.is_taken)
            if options is not None and options.singleton is not None:
                core.check_input(input_)  # before anybody is asked to make way
                arriving, existing = self._existing((definition.name, options.singleton.key), options.singleton.policy)
                if arriving:
                    await self._opened.write(Write(nothing, order=arriving))
                    return None
                if existing is not None:
                    return existing
            if options is not None and options.is_held_back:
                done = self._enqueue(definition, run_id, input_, options, displaced)
            else:
                done = self._create(definition, run_id, input_, options, displaced)
            await done.wait()
        return run_id

    def _create(
        self,
        definition: WorkflowDefinition[..., Any],
        run_id: str,
        input_: msgspec.Raw,
        options: StartOptions | None,
        displaced: Displaced | None,
    ) -> Acknowledgement:
        done = self._acknowledgement(displaced)
        self._opened.core.create(
            definition,
            run_id,
            input_,
            trace=_current_trace(),
            attributes=None if options is None else checked(options.attributes),
            on_durable=done.durable,
            on_failed=done.failed,
            displaced=displaced,
        )
        return done

    def _enqueue(
        self,
        definition: WorkflowDefinition[..., Any],
        run_id: str,
        input_: msgspec.Raw,
        options: StartOptions,
        displaced: Displaced | None,
    ) -> Acknowledgement:
        done = self._acknowledgement(displaced)
        self._opened.core.admissions.enqueue(
            definition,
            run_id,
            input_,
            admission_of(options, self._opened.clock.now_us()),
            trace=_current_trace(),
            attributes=checked(options.attributes),
            on_durable=done.durable,
            on_failed=done.failed,
            displaced=displaced,
        )
        return done

    def _acknowledgement(self, displaced: Displaced | None) -> Acknowledgement:
        return Acknowledgement() if displaced is None else _Moving(self._opened.core.importing, displaced.id)

    def _existing(self, ref: Ref, policy: SingletonPolicy) -> tuple[tuple[int, ...], str | None]:
        """Look at the open runs of a singleton key, and let them make way if the policy says so.

        Returns:
            Those whose first writes are under way, by which nothing can be judged yet; or none, and the id of the run that the start is
            content with, if it is.
        """
        admissions = self._opened.core.admissions
        runs = admissions.singletons.open(ref)
        if policy is SingletonPolicy.WAIT or not runs:
            return (), None
        arriving = tuple(key for key in runs if admissions.is_arriving(key))
        row = self._opened.reader.by_key(runs[0])
        if arriving or row is None:
            return arriving, None
        if policy is SingletonPolicy.USE_EXISTING:
            return (), row.id
        if policy is SingletonPolicy.FAIL:
            msg = f"run {row.id!r} of workflow {ref[0]!r} has singleton key {ref[1]!r} and has not ended"
            raise RunExistsError(row.id, row.status, msg)
        for key in runs:
            self._make_way(admissions.places[key])
        return (), None

    def _make_way(self, place: Place) -> None:
        core = self._opened.core
        run = None if place.is_asked else core.residents.load(place.key)
        if run is not None and not run.is_ending:
            place.is_asked = True
            core.cancel(run, "another run of its singleton key is started")

    async def _debounced(
        self,
        definition: WorkflowDefinition[..., Any],
        input_: msgspec.Raw,
        options: StartOptions,
        debounce: Debounce,
    ) -> str:
        core = self._opened.core
        while True:
            place = core.admissions.debouncing.get((definition.name, debounce.key))
            if place is None:
                run_id = self._ids.new()
                await self._enqueue(definition, run_id, input_, options, None).wait()
                return run_id
            run = None if core.admissions.is_arriving(place.key) else core.residents.load(place.key)
            if run is None:
                await self._opened.write(Write(nothing, order=(place.key,)))
                continue
            now, done = self._opened.clock.now_us(), Acknowledgement()
            later = postponed(place.admission, debounce, now)
            core.append(
                run,
                ev.RunDebounced(now, input_),
                on_durable=done.durable,
                on_failed=done.failed,
                also=(rows.change(place.key, later),),
            )
            core.admissions.postpone(place, later.start_us)
            await done.wait()
            return run.id


class _Moving(Acknowledgement):
    """Keeps the id that a displaced run is about to have from being given out."""

    def __init__(self, ids_on_their_way: set[str], new_id: str) -> None:
        super().__init__()
        self._ids = ids_on_their_way
        self._id = new_id
        self._ids.add(new_id)

    def durable(self) -> None:
        """It is on disk."""
        self._ids.discard(self._id)
        super().durable()

    def failed(self, error: JournalWriteError) -> None:
        """The disk refuses."""
        self._ids.discard(self._id)
        super().failed(error)


def _current_trace() -> str | None:
    carrier: dict[str, str] = {}
    if trace.get_current_span().get_span_context().is_valid:
        _propagator.inject(carrier)
    return carrier.get("traceparent")
