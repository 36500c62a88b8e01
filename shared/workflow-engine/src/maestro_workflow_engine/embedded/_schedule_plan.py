"""What a schedule does next. Pure: the decision is made here, from a row and a time, and carried out elsewhere."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import NamedTuple

import msgspec

from maestro_workflow_engine._records import moment
from maestro_workflow_engine._schedule_spec import CronSpec, IntervalSpec, Overlap
from maestro_workflow_engine.embedded._schedule_rows import Progress, Settings, spec_of

_MICROSECOND = timedelta(microseconds=1)
_EPOCH = moment(0)
_AT_ONCE = 500  # how many times are dealt with before others get their turn
_RECENT = 10


class Plan(NamedTuple):
    """What to do now.

    `progress` is the schedule's progress once it is done; `start_us` the time whose run starts, `cancel` the runs to be asked to
    stop before; `wake_us` is when to ask again if nothing starts: None for never, a time that has passed for at once.
    """

    progress: Progress
    start_us: int | None = None
    cancel: tuple[str, ...] = ()
    wake_us: int | None = None


def run_id(schedule_id: str, at_us: int) -> str:
    """Return the id of the run that a schedule starts for a time."""
    return f"{schedule_id}@{moment(at_us).isoformat().removesuffix('+00:00')}Z"


def next_time_us(spec: CronSpec | IntervalSpec, after_us: int) -> int | None:
    """Return the next time a spec falls due; None for never."""
    if isinstance(spec, IntervalSpec):
        return spec.next_us(after_us)
    found = spec.next_time(moment(after_us))
    return None if found is None else (found - _EPOCH) // _MICROSECOND


def delay_us(schedule_id: str, at_us: int, jitter_us: int) -> int:
    """Draw the delay of one time: even over the range, and the same whenever it is asked for."""
    if not jitter_us:
        return 0
    drawn = hashlib.blake2b(f"{schedule_id}@{at_us}".encode(), digest_size=8).digest()
    return int.from_bytes(drawn) * (jitter_us + 1) >> 64


def started(progress: Progress, at_us: int, run: str) -> Progress:
    """Return the progress once a run has been started."""
    return msgspec.structs.replace(
        progress, active=(*progress.active, run), recent=(*progress.recent, (at_us, run))[-_RECENT:]
    )


def without(progress: Progress, run: str) -> Progress:
    """Return the progress without a run that was not started after all."""
    return msgspec.structs.replace(
        progress,
        active=tuple(other for other in progress.active if other != run),
        recent=tuple(entry for entry in progress.recent if entry[1] != run),
    )


def plan(schedule_id: str, settings: Settings, progress: Progress, now_us: int) -> Plan:
    """Decide what a schedule does.

    Args:
        schedule_id: Its id.
        settings: What its user has said.
        progress: How far it has come; `active` names the runs that have not ended.
        now_us: The time.

    Returns:
        What to do. Ask again after a start: more may be due.
    """
    if settings.paused:
        return Plan(progress)
    if progress.buffered_us is not None and not progress.active:
        waited = progress.buffered_us
        progress = msgspec.structs.replace(progress, buffered_us=None)
        return Plan(started(progress, waited, run_id(schedule_id, waited)), start_us=waited)
    spec = spec_of(settings.spec)
    progress = _leap(spec, settings, progress, now_us)
    cancel: tuple[str, ...] = ()
    for _ in range(_AT_ONCE):
        at_us = next_time_us(spec, max(settings.since_us, progress.done_us))
        if at_us is None:
            return Plan(progress, cancel=cancel)
        due_us = at_us + delay_us(schedule_id, at_us, settings.jitter_us)
        if due_us > now_us:
            return Plan(progress, cancel=cancel, wake_us=due_us)
        progress = msgspec.structs.replace(progress, done_us=at_us)
        if now_us - due_us > settings.catch_up_us:
            progress = msgspec.structs.replace(progress, missed=progress.missed + 1)
        elif not progress.active or settings.overlap is Overlap.ALLOW:
            return Plan(started(progress, at_us, run_id(schedule_id, at_us)), start_us=at_us, cancel=cancel)
        else:
            if settings.overlap is Overlap.CANCEL_OTHER and progress.buffered_us is None:
                cancel = progress.active
            progress = _held_up(settings.overlap, progress, at_us)
    return Plan(progress, cancel=cancel, wake_us=now_us)


def _held_up(overlap: Overlap, progress: Progress, at_us: int) -> Progress:
    if overlap is Overlap.SKIP or (overlap is Overlap.BUFFER_ONE and progress.buffered_us is not None):
        return msgspec.structs.replace(progress, skipped=progress.skipped + 1)
    displaced = progress.buffered_us is not None  # the newest is the one that counts when others are cancelled for it
    return msgspec.structs.replace(progress, buffered_us=at_us, skipped=progress.skipped + displaced)


def _leap(spec: CronSpec | IntervalSpec, settings: Settings, progress: Progress, now_us: int) -> Progress:
    """Count the times of an interval that are missed for certain at once: a year of seconds is no reason to count to it."""
    if not isinstance(spec, IntervalSpec):
        return progress
    first = spec.next_us(max(settings.since_us, progress.done_us))
    last = spec.next_us(now_us - settings.catch_up_us - settings.jitter_us - 1) - spec.every // _MICROSECOND
    if last < first:
        return progress
    count = (last - first) // (spec.every // _MICROSECOND) + 1
    return msgspec.structs.replace(progress, done_us=last, missed=progress.missed + count)
