"""What a start's options mean for when its run may begin. Decisions only."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from maestro_workflow_engine._records import moment
from maestro_workflow_engine._start_options import Debounce, StartOptions
from maestro_workflow_engine.machine._events import Admission

_MICROSECOND = timedelta(microseconds=1)


def admission_of(options: StartOptions, now_us: int) -> Admission:
    """Return what a run waits for.

    Args:
        options: What the start says.
        now_us: The time, in µs since the epoch.
    """
    debounce = options.debounce
    return Admission(
        queue=options.queue,
        priority=options.priority,
        tenant=options.tenant,
        start_us=_start_us(options, now_us),
        singleton=None if options.singleton is None else options.singleton.key,
        debounce=None if debounce is None else debounce.key,
        latest_us=None if debounce is None or debounce.max_wait is None else now_us + debounce.max_wait // _MICROSECOND,
    )


def postponed(admission: Admission, debounce: Debounce, now_us: int) -> Admission:
    """Return what a run waits for after another start has given it its input."""
    start_us = now_us + debounce.wait // _MICROSECOND
    if admission.latest_us is not None:
        start_us = min(start_us, admission.latest_us)
    return msgspec.structs.replace(admission, start_us=start_us)


def _start_us(options: StartOptions, now_us: int) -> int:
    if options.delay is not None:
        return now_us + options.delay // _MICROSECOND
    if options.start_at is not None:
        return _us(options.start_at)
    if options.debounce is not None:
        return now_us + options.debounce.wait // _MICROSECOND
    return 0


def _us(at: datetime) -> int:
    return (at - moment(0)) // _MICROSECOND
