"""The schedules of a journal that is moved from: as they were, and as they are kept while and after they move."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from maestro_workflow_engine._payload_errors import PayloadUnreadableError
from maestro_workflow_engine.embedded._schedule_rows import Progress, Settings, decode_progress, decode_settings
from maestro_workflow_engine.embedded._schedule_sealing import ScheduleSealer
from maestro_workflow_engine.moving._source import JournalSource


class _Fact(msgspec.Struct, frozen=True):
    """What the journal remembers of a schedule that is under way: its settings as they were."""

    target: str
    settings: Settings


@dataclass(frozen=True, slots=True)
class DepartingSchedule:
    """A schedule.

    Attributes:
        id: Its id.
        settings: Its settings as they were before it began to move.
        progress: How far it has come.
        input: The input of its runs.
        note: What was said when it was paused.
        target: Where it is on its way to; None when it is not.
        problem: Why its input or note cannot be read; None when they can.
    """

    id: str
    settings: Settings
    progress: Progress
    input: msgspec.Raw
    note: str
    target: str | None = None
    problem: str | None = None

    def owed(self, now: int) -> list[tuple[int, int]]:
        """Return the stretches of time whose runs are still to be started: the one that is buffered, and what fell due since.

        Args:
            now: The time, in µs since the epoch.

        Returns:
            First and last moment of each, in µs since the epoch.
        """
        if self.settings.paused:
            return []
        waiting = self.progress.buffered_us
        stretches = [] if waiting is None else [(waiting, waiting)]
        first = max(self.settings.since_us + 1, self.progress.done_us + 1, now - self.settings.catch_up_us)
        return [*stretches, (first, now)] if first <= now else stretches


class DepartingSchedules:
    """The schedules of a journal.

    Args:
        source: The journal.
    """

    def __init__(self, source: JournalSource) -> None:
        self._source = source
        self._sealing = ScheduleSealer(source.sealer)

    def all(self) -> Iterator[DepartingSchedule]:
        """Yield what is there to move, by id; not what an earlier move has taken away."""
        facts = self._source.schedule_departures()
        for schedule_id, kept, progress in self._source.reader.schedules():
            settings, target = decode_settings(kept), None
            if settings.moved_to is not None and settings.paused:  # otherwise somebody has resumed it here since
                if schedule_id not in facts:
                    continue
                fact = msgspec.json.decode(facts[schedule_id], type=_Fact)
                settings, target = fact.settings, fact.target
            input_, note, problem = settings.input, "", None
            try:
                input_ = self._sealing.open_input(schedule_id, settings.input)
                note = self._sealing.open_note(schedule_id, settings.note)
            except PayloadUnreadableError as error:
                problem = str(error)
            yield DepartingSchedule(schedule_id, settings, decode_progress(progress), input_, note, target, problem)

    def mark(self, schedule: DepartingSchedule, target: str) -> None:
        """Pause a schedule here, for good, because it is being moved.

        Raises:
            JournalWriteError: The disk refuses; it is as it was.
        """
        note = self._sealing.seal_note(schedule.id, f"moved to {target}")
        paused = msgspec.structs.replace(schedule.settings, paused=True, note=note, moved_to=target)
        fact = _Fact(target, schedule.settings)
        self._source.mark_schedule(schedule.id, msgspec.json.encode(paused), msgspec.json.encode(fact))

    def confirm(self, schedule: DepartingSchedule) -> None:
        """Say that the target has it."""
        self._source.confirm_schedule(schedule.id)

    def take_back(self, schedule: DepartingSchedule) -> None:
        """Let it go on here: the target has refused it."""
        self._source.take_back_schedule(schedule.id, msgspec.json.encode(schedule.settings))


def now_us() -> int:
    """Return the time, in µs since the epoch."""
    return time.time_ns() // 1000
