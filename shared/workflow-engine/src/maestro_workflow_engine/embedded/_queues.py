"""What callers ask of queues."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from maestro_workflow_engine._queue import Queue
from maestro_workflow_engine._queue_keeper import QueueInfo
from maestro_workflow_engine.embedded import _queue_rows as rows
from maestro_workflow_engine.embedded._journal import Write, nothing
from maestro_workflow_engine.embedded._opened import Acknowledgement, Opened
from maestro_workflow_engine.embedded._place import NO_QUEUE, Place, Stage
from maestro_workflow_engine.machine._pending import Wait


class Queues:
    """Every queue of a journal. What is said of a pause is on disk before it counts."""

    def __init__(self, opened: Opened) -> None:
        self._opened = opened
        self._admissions = opened.core.admissions
        self._lines = opened.core.admissions.lines

    def declare(self, queue: Queue) -> None:
        """Add a queue, or change the limits of the one of this name."""
        self._lines.declare(queue)

    async def pause(self, name: str, note: str) -> None:
        """Let nothing begin.

        Raises:
            QueueNotFoundError: It is not declared.
            JournalWriteError: The disk refuses; it goes on.
        """
        self._lines.check(name)
        known = self._lines.paused.get(name)
        self._lines.paused[name] = note  # at once: what begins from now on would begin after the pause
        try:
            await self._opened.write(Write(nothing, also=(rows.pause(name, note),), order=(_order(name),)))
        except Exception:
            if known is None:
                self._lines.go_on(name)
            else:
                self._lines.paused[name] = known
            raise

    async def resume(self, name: str) -> None:
        """Let runs begin again.

        Raises:
            QueueNotFoundError: It is not declared.
            JournalWriteError: The disk refuses; it stays paused.
        """
        self._lines.check(name)
        if name not in self._lines.paused:
            return
        done = Acknowledgement()

        def durable() -> None:  # whether the caller still waits or not
            self._lines.go_on(name)
            done.durable()

        write = Write(durable, on_failed=done.failed, also=(rows.resume(name),), order=(_order(name),))
        self._opened.uploads.submit(write)
        await done.wait()

    def describe(self, name: str) -> QueueInfo:
        """Return a queue as it stands.

        Raises:
            QueueNotFoundError: It is not declared, and nothing waits in it.
        """
        found = self._described(name)
        if not found:
            raise self._lines.unknown(name)
        return found[0]

    def listing(self) -> list[QueueInfo]:
        """Return every queue, by name."""
        return self._described(None)

    def wait_of(self, key: int) -> Wait | None:
        """Return what a run waits for that has not begun; None for any other."""
        place = self._admissions.places.get(key)
        if place is None or place.counts:
            return None
        until = place.admission.start_us if place.admission.start_us > self._opened.clock.now_us() else None
        if place.stage is Stage.BEHIND:
            return Wait("singleton", place.admission.singleton)
        if place.admission.queue is None:
            return Wait("start", None, until)
        return Wait("queue", place.line, until, place=self._lines.line(place.line).place_of(key))

    def problem_of(self, key: int) -> str | None:
        """Return why a run that waits will not begin; None when it will."""
        place = self._admissions.places.get(key)
        if place is None or place.counts or place.line == NO_QUEUE or place.line in self._lines.queues:
            return None
        return str(self._lines.unknown(place.line))

    def _described(self, wanted: str | None) -> list[QueueInfo]:
        apart: dict[str, list[Place]] = {}
        for place in self._admissions.places.values():
            if not place.counts and place.stage is not Stage.IN_LINE and wanted in (None, place.line):
                apart.setdefault(place.line, []).append(place)
        names = (
            self._lines.queues.keys() | {n for n, line in self._lines.by_name.items() if line.waiting} | apart.keys()
        )
        return [
            self._info(name, apart.get(name, []))
            for name in sorted(names)
            if name != NO_QUEUE and wanted in (None, name)
        ]

    def _info(self, name: str, apart: list[Place]) -> QueueInfo:
        line, queue = self._lines.line(name), self._lines.queues.get(name)
        since_us = min((place.since_us for place in line.waiting.values()), default=None)
        now = self._opened.clock.now_us()
        held = sum(place.is_held for place in apart)
        return QueueInfo(
            name=name,
            queue=queue,
            paused=name in self._lines.paused,
            note=self._lines.paused.get(name, ""),
            running=line.all_running,
            waiting=len(line.waiting),
            delayed=len(apart) - held,
            held=held,
            waiting_by_priority=dict(sorted(Counter(p.priority for p in line.waiting.values()).items())),
            waiting_by_tenant=dict(sorted(Counter(p.tenant for p in line.waiting.values()).items())),
            running_by_tenant=dict(sorted(line.running.items())),
            oldest_wait=None if since_us is None else timedelta(microseconds=max(0, now - since_us)),
            problem=None if queue is not None else str(self._lines.unknown(name)),
        )


def _order(name: str) -> str:
    return f"queue/{name}"  # no schedule's name has a slash
