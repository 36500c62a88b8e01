"""A schedule as the journal keeps it. Fields are added, never renamed; times are microseconds since the epoch, UTC."""

from __future__ import annotations

from datetime import timedelta
from functools import lru_cache

import msgspec

from maestro_workflow_engine._schedule_spec import CronSpec, IntervalSpec, Overlap
from maestro_workflow_engine.embedded._journal import Statement

_MICROSECOND = timedelta(microseconds=1)


class Cron(msgspec.Struct, frozen=True, tag="cron"):
    """A CronSpec on disk."""

    expression: str
    zone: str


class Interval(msgspec.Struct, frozen=True, tag="interval", omit_defaults=True):
    """An IntervalSpec on disk."""

    every_us: int
    offset_us: int = 0


class Settings(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a user has said. Only a user's call writes it.

    `since_us` is the time from which it counts: when it was made, given another spec, or resumed. `input` and `note` are sealed.
    `moved_to` is the URL of the engine that has it now, while it stays paused here.
    """

    workflow: str
    version: str | None = None
    input: msgspec.Raw
    spec: Cron | Interval
    overlap: Overlap
    catch_up_us: int
    jitter_us: int = 0
    created_us: int
    since_us: int
    paused: bool = False
    note: str = ""
    queue: str | None = None
    priority: int = 5
    moved_to: str | None = None


class Progress(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How far a schedule has come. Written with each run it starts, in one transaction.

    `done_us` is the last time that was dealt with; `buffered_us` the one whose run waits; `active` the runs that had not ended;
    `recent` (time, run id) of the latest runs, oldest first.
    """

    done_us: int = 0
    missed: int = 0
    skipped: int = 0
    buffered_us: int | None = None
    active: tuple[str, ...] = ()
    recent: tuple[tuple[int, str], ...] = ()


class ScheduleChange(msgspec.Struct, frozen=True):
    """A write to the row of a schedule: what is None stays as it is; nothing at all deletes the row."""

    id: str
    settings: Settings | None = None
    progress: Progress | None = None

    def statement(self) -> Statement:
        """Return the SQL and its values."""
        settings = None if self.settings is None else _encoder.encode(self.settings)
        progress = None if self.progress is None else _encoder.encode(self.progress)
        if settings is None and progress is None:
            return "DELETE FROM schedules WHERE id = ?", (self.id,)
        if settings is None:
            return "UPDATE schedules SET progress = ? WHERE id = ?", (progress, self.id)
        if progress is None:
            return "UPDATE schedules SET settings = ? WHERE id = ?", (settings, self.id)
        return "INSERT OR REPLACE INTO schedules (id, settings, progress) VALUES (?, ?, ?)", (
            self.id,
            settings,
            progress,
        )


_encoder = msgspec.json.Encoder()
decode_settings = msgspec.json.Decoder(Settings).decode
decode_progress = msgspec.json.Decoder(Progress).decode


def spec_row(spec: CronSpec | IntervalSpec) -> Cron | Interval:
    """Turn a spec into what is kept of it."""
    if isinstance(spec, CronSpec):
        return Cron(spec.expression, spec.zone)
    return Interval(spec.every // _MICROSECOND, spec.offset // _MICROSECOND)


@lru_cache(maxsize=1024)  # a plan asks at each step, and reading an expression is most of its work
def spec_of(row: Cron | Interval) -> CronSpec | IntervalSpec:
    """Turn what is kept back into a spec.

    Raises:
        ScheduleSpecError: The time zone database has lost the zone.
    """
    if isinstance(row, Cron):
        return CronSpec(row.expression, row.zone)
    return IntervalSpec(timedelta(microseconds=row.every_us), timedelta(microseconds=row.offset_us))
