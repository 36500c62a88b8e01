"""A schedule's settings: checked, changed, looked at ahead and back. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from maestro_workflow_engine._records import moment
from maestro_workflow_engine._schedule_spec import CronSpec, IntervalSpec, ScheduleSpecError
from maestro_workflow_engine.embedded._schedule_plan import next_time_us
from maestro_workflow_engine.embedded._schedule_rows import Progress, Settings, spec_of

BACKFILL_LIMIT = 10_000
_MICROSECOND = timedelta(microseconds=1)
_EPOCH = moment(0)
_SHOWN = 5
_SHORTEST_CATCH_UP = timedelta(seconds=1)


def catch_up_us(catch_up: timedelta) -> int:
    """Return a catch-up window in microseconds.

    Raises:
        ScheduleSpecError: It is too short.
    """
    if catch_up < _SHORTEST_CATCH_UP:  # less would take a busy moment for an absence
        raise ScheduleSpecError("catch_up must be one second or more")
    return catch_up // _MICROSECOND


def jitter_us(jitter: timedelta) -> int:
    """Return a jitter in microseconds.

    Raises:
        ScheduleSpecError: It is negative.
    """
    if jitter < timedelta(0):
        raise ScheduleSpecError("jitter must not be negative")
    return jitter // _MICROSECOND


def carried_over(old: Settings, new: Settings) -> Settings:
    """Return the settings of a schedule that is redefined: what a definition does not say stays."""
    since_us = old.since_us if new.spec == old.spec else new.since_us
    return msgspec.structs.replace(
        new, created_us=old.created_us, since_us=since_us, paused=old.paused, note=old.note, moved_to=old.moved_to
    )


def upcoming(settings: Settings, progress: Progress) -> list[datetime]:
    """Return the next times at which a schedule falls due; none while it is paused."""
    times: list[datetime] = []
    if settings.paused:
        return times
    spec = spec_of(settings.spec)
    at_us = next_time_us(spec, max(settings.since_us, progress.done_us))
    while at_us is not None and len(times) < _SHOWN:
        times.append(moment(at_us))
        at_us = next_time_us(spec, at_us)
    return times


def past_times(settings: Settings, start: datetime, end: datetime, now_us: int) -> list[int]:
    """Return the times of a range, its end left out, at which a schedule falls due; see `times_between`."""
    return times_between(spec_of(settings.spec), start, end, now_us)


def times_between(spec: CronSpec | IntervalSpec, start: datetime, end: datetime, now_us: int) -> list[int]:
    """Return the times of a range, its end left out, at which a spec falls due.

    Raises:
        ValueError: A bound is naive or lies in the future, or there are too many.
    """
    if start.tzinfo is None or end.tzinfo is None:
        raise ValueError("a backfill needs aware times, such as datetime(2026, 1, 1, tzinfo=UTC)")
    end_us = (end - _EPOCH) // _MICROSECOND
    if end_us > now_us:
        raise ValueError("a backfill ends in the past; what lies ahead is the schedule's own")
    times: list[int] = []
    at_us = next_time_us(spec, (start - _EPOCH) // _MICROSECOND - 1)
    while at_us is not None and at_us < end_us:
        if len(times) == BACKFILL_LIMIT:
            raise ValueError(f"the range holds more than {BACKFILL_LIMIT} times; backfill it in parts")
        times.append(at_us)
        at_us = next_time_us(spec, at_us)
    return times
