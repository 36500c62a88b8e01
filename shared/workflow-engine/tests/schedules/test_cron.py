from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maestro_workflow_engine import CronSpec, IntervalSpec, ScheduleSpecError

MINUTE = timedelta(minutes=1)
ZONES = [
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "America/Havana",
    "Asia/Kolkata",
    "Pacific/Apia",
    "UTC",
]
# Days around which the clocks change in those zones; Lord Howe by half an hour, Havana at midnight, Apia by a whole day in 2011.
DAYS = ["2026-03-08", "2026-03-29", "2026-04-05", "2026-10-04", "2026-10-25", "2026-11-01", "2026-07-15", "2011-12-30"]


def fires(expression: str, zone: str, start: str, count: int) -> list[str]:
    here, spec = ZoneInfo(zone), CronSpec(expression, zone=zone)
    at, found = datetime.fromisoformat(start).replace(tzinfo=here), list[str]()
    for _ in range(count):
        following = spec.next_time(at)
        assert following is not None
        at = following
        found.append(at.astimezone(here).strftime("%m-%d %H:%M%z"))
    return found


@pytest.mark.parametrize(
    ("expression", "start", "expected"),
    [
        # spring: 02:00 +01:00 is followed by 03:00 +02:00
        ("30 2 * * *", "2026-03-28T12:00", ["03-29 03:00+0200", "03-30 02:30+0200"]),
        ("0 3 * * *", "2026-03-28T12:00", ["03-29 03:00+0200", "03-30 03:00+0200"]),
        ("0,30 2 * * *", "2026-03-28T12:00", ["03-29 03:00+0200", "03-30 02:00+0200"]),
        ("*/30 * * * *", "2026-03-29T01:10", ["03-29 01:30+0100", "03-29 03:00+0200", "03-29 03:30+0200"]),
        ("*/30 2 * * *", "2026-03-28T12:00", ["03-30 02:00+0200", "03-30 02:30+0200"]),
        # autumn: 03:00 +02:00 is followed by 02:00 +01:00
        ("30 2 * * *", "2026-10-24T12:00", ["10-25 02:30+0200", "10-26 02:30+0100"]),
        ("30 2,3 * * *", "2026-10-24T12:00", ["10-25 02:30+0200", "10-25 03:30+0100", "10-26 02:30+0100"]),
        ("0 * * * *", "2026-10-25T01:10", ["10-25 02:00+0200", "10-25 02:00+0100", "10-25 03:00+0100"]),
        ("*/30 2 * * *", "2026-10-24T12:00", ["10-25 02:00+0200", "10-25 02:30+0200", "10-25 02:00+0100", "10-25 02:30+0100", "10-26 02:00+0100"]),
    ],
)  # fmt: skip
def test_times_of_day_keep_one_fire_a_day_and_rhythms_follow_the_clock_in_berlin(expression, start, expected):
    """A skipped time of day fires after the jump, a doubled one once; a rhythm skips and doubles with the clock."""
    assert fires(expression, "Europe/Berlin", start, len(expected)) == expected


def test_clocks_that_never_change_and_clocks_that_change_otherwise():
    """India has no summer time; Lord Howe changes by half an hour; in Havana midnight itself is skipped."""
    assert fires("30 2 * * *", "Asia/Kolkata", "2026-03-28T12:00", 2) == ["03-29 02:30+0530", "03-30 02:30+0530"]
    assert fires("*/30 5 * * *", "Australia/Lord_Howe", "2026-10-03T12:00", 2) == [
        "10-04 05:00+1100",
        "10-04 05:30+1100",
    ]
    assert fires("0 0 * * *", "America/Havana", "2026-03-07T12:00", 2) == ["03-08 01:00-0400", "03-09 00:00-0400"]


def test_an_expression_is_checked_when_it_is_written():
    """What can never fire, is no expression or names no zone is refused at once, with what is wrong."""
    for expression in ("0 3 * *", "61 * * * *", "0 0 30 2 *", "0 0 31 2,4 *", "0 0 * * 8", "* * * * * *", ""):
        with pytest.raises(ScheduleSpecError, match="no cron expression"):
            CronSpec(expression)
    for zone in ("Europe/Nowhere", "", "../etc/passwd", "Europe"):
        with pytest.raises(ScheduleSpecError, match="time zone"):
            CronSpec("0 3 * * *", zone=zone)
    assert CronSpec("  0  3 * *   MON ") == CronSpec("0 3 * * MON")
    assert CronSpec("@daily") == CronSpec("0 0 * * *")
    assert CronSpec("0 9 L * *").next_time(datetime(2028, 2, 3, tzinfo=UTC)) == datetime(2028, 2, 29, 9, tzinfo=UTC)


fields = st.tuples(
    st.sampled_from(["*", "*/15", "0", "30", "10,40", "5-8"]),
    st.sampled_from(["*", "*/2", "0", "2", "1-3", "2,23"]),
)


def matches(expression: str, wall: datetime) -> bool:
    """A second opinion on minutes and hours, by enumeration."""
    for text, value, size in zip(expression.split(), (wall.minute, wall.hour), (60, 24), strict=False):
        allowed = set[int]()
        for part in text.split(","):
            body, _, stride = part.partition("/")
            low, _, high = ("0", "", str(size - 1)) if body == "*" else body.partition("-")
            allowed.update(range(int(low), int(high or low) + 1, int(stride or 1)))
        if value not in allowed:
            return False
    return True


def brute_force(expression: str, zone: ZoneInfo, start: datetime, end: datetime) -> list[datetime]:
    """Every minute of the range is looked at; a time of day counts on the first day its minute has come or been passed."""
    is_rhythm = any(text.startswith("*") for text in expression.split()[:2])
    due, latest, instant = (
        set[datetime](),
        (start - 3 * 1440 * MINUTE).astimezone(zone).replace(tzinfo=None),
        start - 3 * 1440 * MINUTE,
    )
    while instant <= end:
        wall = instant.astimezone(zone).replace(tzinfo=None)
        if is_rhythm:
            if matches(expression, wall):
                due.add(instant)
        else:
            while latest < wall:  # each minute on the wall counts once, when it is reached or jumped over
                latest += MINUTE
                if matches(expression, latest):
                    due.add(instant)
        instant += MINUTE
    return sorted(at for at in due if start < at <= end)


@settings(max_examples=30, deadline=None)
@given(fields, st.sampled_from(ZONES), st.sampled_from(DAYS), st.integers(-300, 1500))
def test_every_fire_is_found_once_and_in_order_as_by_brute_force(minute_hour, zone, day, offset):
    """Whatever the expression, the zone and the change of clocks: next after next gives what looking at every minute gives."""
    expression = f"{minute_hour[0]} {minute_hour[1]} * * *"
    start = datetime.fromisoformat(day).replace(tzinfo=UTC) + offset * MINUTE
    end, spec, found = start + 2 * 1440 * MINUTE, CronSpec(expression, zone=zone), list[datetime]()
    at = spec.next_time(start)
    while at is not None and at <= end:
        assert at > (found[-1] if found else start)
        found.append(at)
        at = spec.next_time(at)
    assert found == brute_force(expression, ZoneInfo(zone), start, end)


@settings(max_examples=60, deadline=None)
@given(fields, st.sampled_from(ZONES), st.sampled_from(DAYS), st.integers(0, 2880), st.integers(0, 2880))
def test_later_questions_never_get_earlier_answers(minute_hour, zone, day, first, second):
    """The next time grows with the time asked for, and nothing lies between a time and its next."""
    spec = CronSpec(f"{minute_hour[0]} {minute_hour[1]} * * *", zone=zone)
    day_start = datetime.fromisoformat(day).replace(tzinfo=UTC)
    early, late = sorted((first, second))
    one, other = spec.next_time(day_start + early * MINUTE), spec.next_time(day_start + late * MINUTE)
    assert one is not None
    assert other is not None
    assert one <= other
    if one > day_start + late * MINUTE:
        assert one == other


@given(st.integers(10_000, 10**13), st.integers(0, 10**12), st.integers(0, 4 * 10**15))
def test_intervals_are_even_and_counted_from_the_epoch(every_us, offset_us, after_us):
    """The next time is the first multiple after the one asked for: neither one early nor one late."""
    spec = IntervalSpec(timedelta(microseconds=every_us), timedelta(microseconds=offset_us % every_us))
    at = spec.next_us(after_us)
    assert (at - offset_us % every_us) % every_us == 0
    assert after_us < at <= after_us + every_us


def test_an_interval_that_cannot_be_is_refused():
    """Too short, negative, or shifted by more than itself."""
    for every, offset in ((0, 0), (-5, 0), (60, 60), (60, -1)):
        with pytest.raises(ScheduleSpecError):
            IntervalSpec(timedelta(seconds=every), timedelta(seconds=offset))
    spec = IntervalSpec(timedelta(hours=1), timedelta(minutes=5))
    assert spec.next_time(datetime(2026, 1, 1, 12, 5, tzinfo=UTC)) == datetime(2026, 1, 1, 13, 5, tzinfo=UTC)
