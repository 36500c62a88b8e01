"""The lines of all queues at work: whoever is next begins as soon as limits, pauses and the disk allow."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING

from maestro_workflow_engine._queue import Queue, QueueNotFoundError
from maestro_workflow_engine._records import RunStatus
from maestro_workflow_engine._registry import WorkflowRegistry
from maestro_workflow_engine.embedded import _queue_rows as rows
from maestro_workflow_engine.embedded._alarms import Alarms
from maestro_workflow_engine.embedded._clock import Clock
from maestro_workflow_engine.embedded._journal import Statement
from maestro_workflow_engine.embedded._place import NO_QUEUE, Place, Stage
from maestro_workflow_engine.embedded._queue_line import InLine, Line, RateWindow
from maestro_workflow_engine.embedded._reader import JournalReader
from maestro_workflow_engine.machine import _events as ev

if TYPE_CHECKING:
    from maestro_workflow_engine.embedded._core import Core

_MOST_UNDER_WAY = 256  # admissions that are not on disk yet: as many begin at once as the disk keeps up with
_AT_ONCE = 64  # admissions in one turn of the event loop
_MICROSECOND = 1e6


class Lines:
    """Takes runs out of their lines and lets them begin.

    Attributes:
        by_name: The lines, by the queue's name; queues that are not declared have one as well, and nothing in it begins.
        queues: The queues that are declared, by name.
        paused: The notes of the queues that are paused, by name.
        stranded: The runs that could not be taken up when it was their turn.
    """

    def __init__(
        self, core: Core, places: Mapping[int, Place], reader: JournalReader, registry: WorkflowRegistry, clock: Clock
    ) -> None:
        self._core = core
        self._places = places
        self._reader = reader
        self._registry = registry
        self._clock = clock
        self._alarms = Alarms(self._ring, clock)
        self._alarmed: dict[str, int] = {}
        self._names: list[str] = []
        self._kicked: set[str] = set()
        self._stalled: set[str] = set()
        self._under_way = 0
        self._is_open = False
        self.stranded: set[int] = set()
        self.by_name: dict[str, Line] = {}
        self.queues: dict[str, Queue] = {}
        self.paused: dict[str, str] = {}

    def recover(self, queues: list[Queue]) -> None:
        """Take up what is on disk of queues, and their declarations."""
        self.paused = self._reader.paused_queues()
        for queue in queues:
            self.declare(queue)

    def begin(self) -> None:
        """Let runs begin from now on."""
        self._is_open = True
        for name in self.by_name:
            self._kick(name)

    def close(self) -> None:
        """Let nothing begin any more."""
        self._is_open = False
        self._alarms.close()

    def declare(self, queue: Queue) -> None:
        """Add a queue, or change its limits."""
        line, rate = self.line(queue.name), None
        if queue.rate is not None:
            per_us = round(queue.rate.per.total_seconds() * _MICROSECOND)
            known = self._reader.admissions(queue.name, queue.rate.count) if line.rate is None else line.rate.times
            rate = RateWindow(queue.rate.count, per_us, known)
        line.set_limits(queue.concurrency, queue.per_tenant, rate)
        self.queues[queue.name] = queue
        self._kick(queue.name)

    def check(self, name: str) -> None:
        """Refuse a queue that is not declared.

        Raises:
            QueueNotFoundError: It is not declared.
        """
        if name not in self.queues:
            raise self.unknown(name)

    def unknown(self, name: str) -> QueueNotFoundError:
        """Return what is wrong with a queue that is not declared."""
        return QueueNotFoundError(name, tuple(sorted(self.queues)))

    def go_on(self, name: str) -> None:
        """Let the runs of a queue begin that was paused."""
        self.paused.pop(name, None)
        self._kick(name)

    def line(self, name: str) -> Line:
        """Return the line of a queue, which need not be declared."""
        line = self.by_name.get(name)
        if line is None:
            line = self.by_name[name] = Line()
            self._names.append(name)
        return line

    def join(self, place: Place) -> None:
        """Let a run take its place in line."""
        place.stage = Stage.IN_LINE
        self.line(place.line).join(InLine(place.key, place.tenant, place.admission.priority, place.since_us))
        self._kick(place.line)

    def leave(self, place: Place) -> None:
        """Take a run out of its line, if it stands there; the caller says where it stands now."""
        if place.stage is Stage.IN_LINE:
            self.line(place.line).leave(place.key)

    def resume(self, place: Place) -> None:
        """Count a run that had begun before."""
        place.stage, place.counts = Stage.BEGUN, True
        self.line(place.line).resume(place.tenant)

    def end(self, place: Place) -> None:
        """Count a run no more; another may begin in its stead."""
        self.line(place.line).end(place.tenant)
        self._kick(place.line)

    # ── letting begin ────────────────────────────────────────────────────────────────────────────────────────────

    def _kick(self, name: str) -> None:
        if self._is_open and name not in self._kicked:
            self._kicked.add(name)
            asyncio.get_running_loop().call_soon(self._dispatch, name)

    def _dispatch(self, name: str) -> None:
        self._kicked.discard(name)
        if not self._is_open or name in self.paused or (name != NO_QUEUE and name not in self.queues):
            return
        line, now = self.by_name[name], self._clock.now_us()
        for _ in range(_AT_ONCE):
            if self._under_way >= _MOST_UNDER_WAY:
                self._stalled.add(name)
                return
            stood = line.take(now)
            if stood is None:
                self._look_again(name, line.opens_us(now))
                return
            self._admit(self._places[stood.key], line, now)
        self._kick(name)

    def _look_again(self, name: str, at_us: int | None) -> None:
        if at_us is not None and at_us < self._alarmed.get(name, at_us + 1):
            self._alarmed[name] = at_us
            self._alarms.add(at_us, self._names.index(name), 0)

    def _ring(self, _at_us: int, number: int, _: int) -> None:
        name = self._names[number]
        self._alarmed.pop(name, None)
        self._kick(name)

    def _admit(self, place: Place, line: Line, now: int) -> None:
        run = self._core.residents.load(place.key) if self._registry.knows(place.workflow) else None
        if run is None or run.problem is not None:  # others go ahead of it
            place.stage = Stage.STRANDED
            self.stranded.add(place.key)
            return
        place.stage, place.counts = Stage.BEGUN, True
        line.begin(place.tenant, now)
        self._under_way += 1
        also: tuple[Statement, ...] = (rows.begin(place.key),)
        if line.rate is not None:
            also += rows.admitted(place.line, place.key, now, line.rate.per_us)
        self._core.append(run, ev.RunAdmitted(now), status=RunStatus.RUNNING, on_durable=self._landed, also=also)

    def _landed(self) -> None:
        self._under_way -= 1
        if self._stalled and self._under_way <= _MOST_UNDER_WAY // 2:
            stalled, self._stalled = self._stalled, set()
            for name in stalled:
                self._kick(name)
