"""When a cron expression falls due in a time zone. Pure: instants in, instants out, whatever the clocks there do.

The expression is matched on the wall clock alone, as if clocks never changed; what a change does to a match is decided here:

- An expression for times of day (neither minute nor hour starts with `*`) keeps one fire for each match. A match that the
  clocks skip fires when they have jumped; one that comes twice fires the first time.
- An expression for a rhythm (minute or hour starts with `*`) follows the wall clock: what is skipped does not fire, what
  comes twice fires twice.

That is what cron(8) of Debian does.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

_ALIASES = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_SECOND = timedelta(seconds=1)


def normalize(expression: str) -> str:
    """Return an expression as five fields.

    Args:
        expression: Five fields, or one of `@hourly @daily @midnight @weekly @monthly @yearly @annually`.

    Raises:
        ValueError: It is no cron expression, or names a date that never comes.
    """
    fields = " ".join(_ALIASES.get(expression.strip().lower(), expression).split())
    if fields.count(" ") != 4:
        raise ValueError("a cron expression has five fields: minute, hour, day of month, month, day of week")
    try:
        first = next(CronSim(fields, datetime(2000, 1, 1)), None)  # noqa: DTZ001  a time on the wall, without a zone
    except CronSimError as error:
        raise ValueError(str(error)) from error
    if first is None:
        raise ValueError("it names a date that never comes")
    return fields


def next_fire(fields: str, zone: ZoneInfo, after: datetime) -> datetime | None:
    """Return the first instant after another at which an expression falls due.

    Args:
        fields: Five fields, as `normalize` gives them.
        zone: Where the expression is read.
        after: Any aware time.

    Returns:
        The instant, in UTC; None when there is none within fifty years.
    """
    minute, hour = fields.split(" ")[:2]
    is_rhythm = minute.startswith("*") or hour.startswith("*")
    return _next_of_rhythm(fields, zone, after) if is_rhythm else _next_time_of_day(fields, zone, after)


def _next_time_of_day(fields: str, zone: ZoneInfo, after: datetime) -> datetime | None:
    # Later matches never fall due earlier, so the first one that lies ahead is the one.
    for wall in _matches(fields, after.astimezone(zone).replace(tzinfo=None)):
        first, _ = _readings(wall, zone)
        due = first if _exists(wall, zone, first) else _end_of_gap(wall, zone)
        if due > after:
            return due
    return None


def _next_of_rhythm(fields: str, zone: ZoneInfo, after: datetime) -> datetime | None:
    here = after.astimezone(zone)
    wall = here.replace(tzinfo=None)
    if here.fold == 0:
        first, second = _readings(wall, zone)
        if second > first:  # the clocks will be set back over this time: what has just passed comes again
            wall -= second - first
    best: datetime | None = None
    for match in _matches(fields, wall):
        readings = _readings(match, zone)
        if best is not None and readings[0] >= best:
            break
        for due in readings:
            if due > after and _exists(match, zone, due) and (best is None or due < best):
                best = due
    return best


def _matches(fields: str, after: datetime) -> Iterator[datetime]:
    return iter(CronSim(fields, after))


def _readings(wall: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return what a time on the wall means by the clock before and by the clock after a change around it."""
    first = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    second = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    return first, second


def _exists(wall: datetime, zone: ZoneInfo, reading: datetime) -> bool:
    return reading.astimezone(zone).replace(tzinfo=None) == wall


def _end_of_gap(wall: datetime, zone: ZoneInfo) -> datetime:
    """Return the instant at which the clocks jump over a time on the wall."""
    high, low = _readings(wall, zone)  # in a gap the old clock reads it after the jump, and the new one before
    new_offset = high.astimezone(zone).utcoffset()
    while high - low > _SECOND:
        middle = low + (high - low) / 2
        middle = middle.replace(microsecond=0)
        if middle.astimezone(zone).utcoffset() == new_offset:
            high = middle
        else:
            low = middle
    return high
