from datetime import UTC, datetime, timedelta

import click
import pytest

from maestro_cli._moments import ClockTime, Length, Moment, read_length, time_text


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("90", timedelta(seconds=90)),
        ("0", timedelta()),
        ("1.5s", timedelta(seconds=1.5)),
        ("15m", timedelta(minutes=15)),
        ("1h30m", timedelta(minutes=90)),
        ("3d", timedelta(days=3)),
        ("2w", timedelta(weeks=2)),
        ("", None),
        ("h", None),
        ("1h30", None),
        ("-1h", None),
        ("1y", None),
        ("1 h", None),
        ("2026-05-04", None),
        ("99999w", None),
        ("9" * 400, None),
    ],
)
def test_lengths_of_time(text: str, length: timedelta | None) -> None:
    """A length is a number with a unit, or several; a number alone counts seconds; nothing else is one."""
    assert read_length(text) == length


def test_a_time_is_local_unless_it_says_so() -> None:
    """A time with a zone keeps its moment; one without is read on this machine's clock."""
    read = ClockTime().convert("2026-05-04T13:02:00+02:00", None, None)
    assert read == datetime(2026, 5, 4, 11, 2, tzinfo=UTC)
    assert ClockTime().convert("2026-05-04", None, None) == datetime(2026, 5, 4).astimezone()


def test_a_length_is_that_long_ago() -> None:
    """Where times of the past are meant, a length of time counts back from now."""
    before = datetime.now(UTC)
    read = Moment().convert("2h", None, None)
    assert timedelta(hours=2) <= datetime.now(UTC) - read
    assert before - read <= timedelta(hours=2)


@pytest.mark.parametrize(("kind", "text"), [(Length(), "soon"), (Moment(), "soon"), (ClockTime(), "2h")])
def test_what_is_neither_is_refused_with_what_to_write(kind: click.ParamType[object], text: str) -> None:
    """The refusal shows how it is written."""
    with pytest.raises(click.BadParameter, match="write it as"):
        kind.convert(text, None, None)


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2026-05-04T13:02:00Z", "2026-05-04T13:02:00+00:00"),
        ("2026-05-04T13:02:00", None),
        ("2026-05-04", None),
        ("T-shirt", None),
    ],
)
def test_only_a_whole_time_with_a_zone_is_taken_for_one(text: str, time: str | None) -> None:
    """Among texts, what could be something else stays text."""
    assert time_text(text) == time
