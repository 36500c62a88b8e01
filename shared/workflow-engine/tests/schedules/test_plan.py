from __future__ import annotations

from itertools import takewhile

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maestro_workflow_engine import Overlap
from maestro_workflow_engine.embedded._schedule_plan import Plan, delay_us, plan, run_id
from maestro_workflow_engine.embedded._schedule_rows import Cron, Interval, Progress, Settings

S = 1_000_000


def every(seconds: int = 10, **changes) -> Settings:
    defaults = {
        "workflow": "w",
        "input": msgspec.Raw(b"null"),
        "spec": Interval(seconds * S),
        "overlap": Overlap.SKIP,
        "catch_up_us": 60 * S,
        "created_us": 0,
        "since_us": 0,
    }
    return Settings(**{**defaults, **changes})


def drive(settings: Settings, progress: Progress, now_us: int, *, runs_last: bool) -> tuple[list[int], Plan]:
    """Carry plans out as the runner does, until nothing more starts; runs end at once unless they last."""
    starts = list[int]()
    while True:
        move = plan("s", settings, progress, now_us)
        progress = move.progress
        if move.start_us is not None:
            starts.append(move.start_us)
            if not runs_last:
                progress = msgspec.structs.replace(progress, active=())
        elif move.wake_us is None or move.wake_us > now_us:
            return starts, move._replace(progress=progress)


def test_what_is_due_starts_and_then_it_waits_for_the_next_time():
    """One start for each time that has come, then a time to be woken at."""
    starts, move = drive(every(), Progress(), 35 * S, runs_last=False)
    assert starts == [10 * S, 20 * S, 30 * S]
    assert move.wake_us == 40 * S
    assert move.progress.recent == tuple((at, run_id("s", at)) for at in starts)
    assert run_id("s", 10 * S) == "s@1970-01-01T00:00:10Z"
    assert run_id("s", 10 * S + 5) == "s@1970-01-01T00:00:10.000005Z"


def test_what_is_later_than_the_window_is_missed_and_counted():
    """After an absence the last minute is caught up with, and what came before is missed."""
    starts, move = drive(every(), Progress(), 1000 * S, runs_last=False)
    assert starts == [at * S for at in range(940, 1001, 10)]
    assert move.progress.missed == 93
    cron = every(spec=Cron("* * * * *", "UTC"), catch_up_us=120 * S)
    starts, move = drive(cron, Progress(), 100_000 * S, runs_last=False)
    assert starts == [99_900 * S, 99_960 * S]
    assert move.progress.missed == 99_900 // 60 - 1


def test_a_year_of_missed_seconds_is_not_counted_one_by_one():
    """One plan is enough, however long an interval was left alone."""
    year = 365 * 86_400 * S
    move = plan("s", every(1), Progress(), year)
    assert move.progress.missed == 365 * 86_400 - 61
    assert move.start_us == year - 60 * S


@pytest.mark.parametrize(
    ("overlap", "starts", "skipped", "buffered", "cancelled"),
    [
        (Overlap.SKIP, [10], 2, None, False),
        (Overlap.BUFFER_ONE, [10], 1, 20, False),
        (Overlap.ALLOW, [10, 20, 30], 0, None, False),
        (Overlap.CANCEL_OTHER, [10], 1, 30, True),
    ],
)
def test_what_happens_while_a_run_has_not_ended(overlap, starts, skipped, buffered, cancelled):
    """Each policy does what its name says."""
    started, move = drive(every(overlap=overlap), Progress(), 35 * S, runs_last=True)
    assert started == [at * S for at in starts]
    assert move.progress.skipped == skipped
    assert move.progress.buffered_us == (None if buffered is None else buffered * S)
    assert move.cancel == ((run_id("s", 10 * S),) if cancelled else ())
    assert move.wake_us == 40 * S
    again = plan("s", every(overlap=overlap), move.progress, 45 * S)
    assert again.cancel == ()  # asked once, not at each further time
    if buffered is not None:
        ended = msgspec.structs.replace(move.progress, active=())
        following = plan("s", every(overlap=overlap), ended, 36 * S)
        assert following.start_us == buffered * S
        assert following.progress.buffered_us is None


def test_paused_nothing_starts_and_from_since_on_it_counts():
    """Paused there is nothing to do; what passed before `since` is neither started nor missed."""
    assert plan("s", every(paused=True), Progress(buffered_us=5), 100 * S) == Plan(Progress(buffered_us=5))
    starts, move = drive(every(since_us=75 * S), Progress(done_us=20 * S), 95 * S, runs_last=False)
    assert starts == [80 * S, 90 * S]
    assert move.progress.missed == 0


def test_jitter_delays_each_time_by_its_own_share_and_always_the_same():
    """The delay lies within the range, differs from time to time and is the same after a restart; ids keep the plain time."""
    delays = [delay_us("s", at, 5 * S) for at in range(200)]
    assert delays == [delay_us("s", at, 5 * S) for at in range(200)]
    assert all(0 <= delay <= 5 * S for delay in delays)
    assert len(set(delays)) > 190
    late = every(jitter_us=9 * S)
    wake = plan("s", late, Progress(), 5 * S).wake_us
    assert wake == 10 * S + delay_us("s", 10 * S, 9 * S)
    assert plan("s", late, Progress(), wake - 1).start_us is None
    assert plan("s", late, Progress(), wake).start_us == 10 * S


@settings(max_examples=200, deadline=None)
@given(
    st.integers(1, 50),
    st.integers(0, 30),
    st.integers(1, 300),
    st.lists(st.integers(0, 400), min_size=1, max_size=8),
    st.sampled_from(list(Overlap)),
)
def test_no_time_is_lost_or_dealt_with_twice_however_often_it_is_asked(seconds, jitter, catch_up, waits, overlap):
    """Started, missed, skipped and buffered times add up to the times that have come, and each start has its own time."""
    schedule = every(seconds, jitter_us=jitter * S, catch_up_us=catch_up * S, overlap=overlap)
    now, progress, starts = 0, Progress(), list[int]()
    for index, wait in enumerate(waits):
        now += wait * S
        more, move = drive(schedule, progress, now, runs_last=True)
        starts += more
        progress = move.progress
        assert move.wake_us is not None
        assert move.wake_us > now
        if index % 2:
            progress = msgspec.structs.replace(progress, active=())
    assert len(starts) == len(set(starts))
    handled = len(starts) + progress.missed + progress.skipped + (progress.buffered_us is not None)
    assert handled == progress.done_us // (seconds * S)
    times = range(seconds * S, now + 1, seconds * S)
    come = list(takewhile(lambda at: at + delay_us("s", at, jitter * S) <= now, times))  # one after the other
    assert progress.done_us == (come[-1] if come else 0)
