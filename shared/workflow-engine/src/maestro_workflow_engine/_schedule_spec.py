"""When a schedule falls due, and what it does when the run before has not ended: pure values, no clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar
from zoneinfo import ZoneInfo

from maestro_workflow_engine import _cron
from maestro_workflow_engine._errors import WorkflowError
from maestro_workflow_engine._records import moment

_MICROSECOND = timedelta(microseconds=1)
_EPOCH = moment(0)
_SHORTEST = timedelta(milliseconds=10)


class ScheduleSpecError(WorkflowError, ValueError):
    """A schedule was declared in a way that cannot be: a wrong cron expression, an unknown time zone, a negative time."""

    code: ClassVar[str] = "SCHEDULE_INVALID"


class Overlap(StrEnum):
    """What happens when a schedule falls due while a run it started has not ended."""

    SKIP = "skip"
    """Nothing: this time is skipped."""

    BUFFER_ONE = "buffer_one"
    """One run waits until the other has ended; further ones are skipped."""

    ALLOW = "allow"
    """They run side by side."""

    CANCEL_OTHER = "cancel_other"
    """The other is asked to stop; the new one starts once it has."""


@dataclass(frozen=True, slots=True)
class CronSpec:
    """Falls due by a cron expression, read on the clocks of a time zone.

    When the clocks change, an expression for times of day (`0 3 * * *`) still fires once a day: a time that is skipped fires when
    the clocks have jumped, one that comes twice fires the first time. A rhythm (minute or hour starts with `*`) follows the
    wall clock.
    """

    expression: str
    """Minute, hour, day of month, month, day of week; lists, ranges, steps, names, `L`, `LW`, `MON#2`; or `@daily` and the like.
    When both kinds of day are restricted, either may match, as in cron(8)."""

    zone: str = "UTC"
    """A name of the IANA time zone database. Default UTC."""

    def __post_init__(self) -> None:
        try:
            object.__setattr__(self, "expression", _cron.normalize(self.expression))
        except ValueError as error:
            raise ScheduleSpecError(f"{self.expression!r} is no cron expression: {error}") from error
        try:
            ZoneInfo(self.zone)
        except (OSError, ValueError, KeyError) as error:  # an unknown name is a KeyError, a folder's an OSError
            raise ScheduleSpecError(
                f"{self.zone!r} is no time zone: use a name such as 'Europe/Berlin' or 'UTC'"
            ) from error

    def next_time(self, after: datetime) -> datetime | None:
        """Return the first time after another at which it falls due.

        Args:
            after: Any aware time.

        Returns:
            The time, in UTC; None when there is none within fifty years.
        """
        return _cron.next_fire(self.expression, ZoneInfo(self.zone), after)


@dataclass(frozen=True, slots=True)
class IntervalSpec:
    """Falls due at even distances, counted from the Unix epoch: every hour is at full hours, whenever the engine was started."""

    every: timedelta
    """The distance, 10 ms or more."""

    offset: timedelta = timedelta(0)
    """Shifts every time, less than one distance. Default none."""

    def __post_init__(self) -> None:
        if self.every < _SHORTEST:
            raise ScheduleSpecError("the interval of a schedule must be 10 ms or more")
        if not timedelta(0) <= self.offset < self.every:
            raise ScheduleSpecError("the offset of a schedule must lie between 0 and its interval")

    def next_time(self, after: datetime) -> datetime:
        """Return the first time after another at which it falls due.

        Args:
            after: Any aware time.

        Returns:
            The time, in UTC.
        """
        return moment(self.next_us((after - _EPOCH) // _MICROSECOND))

    def next_us(self, after_us: int) -> int:
        """Return the same in microseconds since the epoch."""
        every, offset = self.every // _MICROSECOND, self.offset // _MICROSECOND
        return ((after_us - offset) // every + 1) * every + offset
