"""Retention at work: it wakes when something falls due, purges in the background, and rests while the disk refuses."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from functools import partial

from maestro_core_logging import get_logger
from maestro_workflow_engine._errors import JournalWriteError
from maestro_workflow_engine._retention import PurgeReport, Retention
from maestro_workflow_engine.embedded._clock import Clock, Wake
from maestro_workflow_engine.embedded._purge_plan import added, fate
from maestro_workflow_engine.embedded._purge_reader import BEGINNING, Place
from maestro_workflow_engine.embedded._purging import Purging

_logger = get_logger(__name__)
_MICROSECOND = timedelta(microseconds=1)
_PAUSE_US = 1_000_000
"""Between two sweeps, so that runs that fall due one by one go together."""

_LOOK_AGAIN_US = 3_600_000_000
"""After which runs that were held back are looked at again."""

_ANEW_US = 86_400_000_000
"""After which everything is looked at again: a clock that was set back leaves runs behind."""

_REFUSED_FIRST_US = 5_000_000
_REFUSED_LONGEST_US = 300_000_000


class RetentionKeeper:
    """Looks at each run that has ended once for each age at which something may be due, and not again.

    Args:
        purging: Deletes.
        retention: The rules.
        clock: The time.
    """

    def __init__(self, purging: Purging, retention: Retention, clock: Clock) -> None:
        self._purging = purging
        self._retention = retention
        self._clock = clock
        self._ages_us = [age // _MICROSECOND for age in retention.durations()]
        self._seen: dict[int, Place] = dict.fromkeys(self._ages_us, BEGINNING)
        self._anew_us = clock.now_us() + _ANEW_US
        self._refused_us = _REFUSED_FIRST_US
        self._due_us = 0
        self._wake: Wake | None = None
        self._sweeping: asyncio.Task[None] | None = None
        self._ended_meanwhile = False
        self._closed = False
        if self._ages_us:
            self._arm(clock.now_us())

    async def close(self) -> None:
        """Purge nothing more."""
        self._closed = True
        if self._wake is not None:
            self._wake.cancel()
        if self._sweeping is not None:
            self._sweeping.cancel()
            await asyncio.wait([self._sweeping])

    def ended(self, _run_id: str) -> None:
        """Take note that a run has ended."""
        if self._sweeping is not None:
            self._ended_meanwhile = True
        elif self._wake is None and self._ages_us:
            self._arm(self._clock.now_us() + self._ages_us[0])

    def _arm(self, at_us: int) -> None:
        if not self._closed:
            self._due_us = at_us
            self._wake = self._clock.wake_at(at_us, self._ring)

    def _ring(self) -> None:
        self._wake = None
        if self._clock.now_us() < self._due_us:  # a clock may call early
            self._arm(self._due_us)
        elif not self._closed:
            self._sweeping = self._clock.spawn(self._sweep(), name="purging")
            self._sweeping.add_done_callback(self._swept)

    def _swept(self, task: asyncio.Task[None]) -> None:
        self._sweeping = None
        if not task.cancelled() and task.exception() is not None:
            _logger.error("Purging failed; it is tried again", error=str(task.exception()))
            self._arm(self._clock.now_us() + _REFUSED_LONGEST_US)
        elif self._wake is None and self._ended_meanwhile:
            self._arm(self._clock.now_us() + self._ages_us[0])
        self._ended_meanwhile = False

    async def _sweep(self) -> None:
        now = self._clock.now_us()
        if now >= self._anew_us:
            self._seen = dict.fromkeys(self._ages_us, BEGINNING)
            self._anew_us = now + _ANEW_US
        report, held = PurgeReport(), False
        try:
            await self._purging.prepare()
            for age_us in self._ages_us:
                done, was_held = await self._look(age_us, now)
                report, held = added(report, done), held or was_held
        except JournalWriteError as error:
            _logger.warning("Purging rests while the journal cannot be written", error=str(error))
            self._arm(self._clock.now_us() + self._refused_us)
            self._refused_us = min(2 * self._refused_us, _REFUSED_LONGEST_US)
            return
        self._refused_us = _REFUSED_FIRST_US
        if report.runs or report.shortened:
            _logger.debug("Purged", runs=report.runs, shortened=report.shortened, events=report.events)
        await self._arm_for_next(now, held=held)

    async def _look(self, age_us: int, now: int) -> tuple[PurgeReport, bool]:
        """Judge all that has come to an age since the last time, and stay before what had to be held back."""
        report, seen, held = PurgeReport(), self._seen[age_us], False
        judge = partial(fate, retention=self._retention, now_us=now)
        async for runs, place in self._purging.ended(now - age_us, seen):
            done = await self._purging.carry_out(runs, judge)
            report = added(report, done)
            held = held or bool(done.held_back)
            if not held:
                self._seen[age_us] = place
        return report, held

    async def _arm_for_next(self, now: int, *, held: bool) -> None:
        due = [now + _LOOK_AGAIN_US] if held else []
        for age_us, seen in self._seen.items():
            place = max(seen, (now - age_us, 0))  # what is older was judged a moment ago
            end = await self._purging.reader.next_end(place)
            if end is not None:
                due.append(end + age_us)
        if due:
            self._arm(max(min(due), now + _PAUSE_US))
