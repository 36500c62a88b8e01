"""Who is next: decisions alone, without a clock or a disk."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maestro_workflow_engine.embedded._queue_line import InLine, Line, RateWindow

SECOND = 1_000_000


def line(concurrency: int | None = None, per_tenant: int | None = None, rate: RateWindow | None = None) -> Line:
    made = Line()
    made.set_limits(concurrency, per_tenant, rate)
    return made


def join(made: Line, key: int, tenant: str = "", priority: int = 5, since_us: int = 0) -> None:
    made.join(InLine(key, tenant, priority, since_us))


def begin_all(made: Line, now_us: int = 0) -> list[int]:
    begun = []
    while (stood := made.take(now_us)) is not None:
        made.begin(stood.tenant, now_us)
        begun.append(stood.key)
    return begun


def test_priority_goes_first_then_tenants_in_turn_then_age():
    """The order is priority, tenants one after the other, first in first out."""
    made = line()
    for key, tenant, priority in (
        (1, "a", 5),
        (2, "a", 5),
        (3, "a", 5),
        (4, "b", 5),
        (5, "b", 0),
        (6, "c", 5),
        (7, "c", 9),
    ):
        join(made, key, tenant, priority, since_us=key)
    assert begin_all(made) == [5, 1, 4, 6, 2, 3, 7]


def test_who_comes_back_has_the_place_of_its_age():
    """A run that left the line and joins it again stands where it stood, and begins once."""
    made = line()
    for key in (1, 2, 3):
        join(made, key, since_us=key)
    made.leave(1)
    join(made, 1, since_us=1)
    assert begin_all(made) == [1, 2, 3]


def test_a_noisy_tenant_delays_quiet_ones_by_one_turn_each():
    """A thousand runs of one tenant wait; nine others begin within the first round, as if it were one of them."""
    made = line(concurrency=1)
    for key in range(1000):
        join(made, key, "noisy", since_us=key)
    for key in range(1000, 1009):
        join(made, key, f"quiet-{key}", since_us=key)
    order: list[int] = []
    while (stood := made.take(0)) is not None:
        made.begin(stood.tenant, 0)
        order.append(stood.key)
        made.end(stood.tenant)
    assert len(order) == 1009
    assert max(order.index(key) for key in range(1000, 1009)) <= 9


def test_a_tenant_at_its_limit_lets_the_others_pass():
    """With one run a tenant at a time, the next of a busy tenant waits until its first has ended."""
    made = line(concurrency=3, per_tenant=1)
    for key, tenant in ((1, "a"), (2, "a"), (3, "b"), (4, "a")):
        join(made, key, tenant, since_us=key)
    assert begin_all(made) == [1, 3]
    made.end("b")
    assert begin_all(made) == []
    made.end("a")
    assert begin_all(made) == [2]


def test_changed_limits_count_at_once():
    """More room lets more begin; less room takes nothing back, and nothing begins until there is room."""
    made = line(concurrency=1)
    for key in range(4):
        join(made, key, "a", since_us=key)
    assert begin_all(made) == [0]
    made.set_limits(3, 2, None)
    assert begin_all(made) == [1]
    made.set_limits(1, None, None)
    made.end("a")
    assert begin_all(made) == []
    made.set_limits(None, None, None)
    assert begin_all(made) == [2, 3]


def test_a_rate_says_when_it_opens_again():
    """Two in ten seconds: the third may begin ten seconds after the first."""
    made = line(rate=RateWindow(2, 10 * SECOND))
    for key in range(3):
        join(made, key, since_us=key)
    assert begin_all(made, SECOND) == [0, 1]
    assert made.opens_us(2 * SECOND) == 11 * SECOND
    assert begin_all(made, 11 * SECOND - 1) == []
    assert begin_all(made, 11 * SECOND) == [2]
    assert made.opens_us(11 * SECOND) is None


def test_a_clock_that_is_set_back_holds_a_rate_up_for_one_window_at_most():
    """Admissions of the future count as those of now: no more begin than may, and none waits for hours."""
    made = line(rate=RateWindow(1, 10 * SECOND, [3600 * SECOND]))
    join(made, 1)
    assert begin_all(made, 100 * SECOND) == []
    assert made.opens_us(100 * SECOND) == 110 * SECOND
    assert begin_all(made, 110 * SECOND) == [1]


@pytest.mark.parametrize("key", [1, 2, 3, 4, 5, 6])
def test_the_place_is_the_one_at_which_it_begins(key: int):
    """What status shows is true as long as nobody else comes."""
    made = line()
    for other, tenant, priority in ((1, "a", 5), (2, "a", 5), (3, "b", 5), (4, "a", 5), (5, "c", 3), (6, "b", 5)):
        join(made, other, tenant, priority, since_us=other)
    place = made.place_of(key)
    assert begin_all(made).index(key) + 1 == place
    assert made.place_of(key) is None


moves = st.lists(
    st.one_of(
        st.tuples(st.just("join"), st.sampled_from("abc"), st.integers(0, 9)),
        st.tuples(st.just("end"), st.integers(0, 50), st.just(0)),
        st.tuples(st.just("leave"), st.integers(0, 50), st.just(0)),
        st.tuples(st.just("pass"), st.integers(0, 40), st.just(0)),
    ),
    max_size=60,
)


@settings(max_examples=150, deadline=None)
@given(
    moves,
    st.none() | st.integers(1, 4),
    st.none() | st.integers(1, 3),
    st.none() | st.tuples(st.integers(1, 4), st.integers(1, 30)),
)
def test_limits_hold_and_nobody_is_lost(steps, concurrency, per_tenant, rate):
    """Whatever happens: never more than each limit, each run begins once, and in the end all that stayed have begun."""
    made = line(concurrency, per_tenant, None if rate is None else RateWindow(*rate))
    now, joined, left = 0, [], set()
    begun: dict[int, int] = {}
    running: dict[int, str] = {}
    tenants: dict[int, str] = {}

    def go() -> None:
        while (stood := made.take(now)) is not None:
            assert stood.key not in begun
            assert stood.key not in left
            made.begin(stood.tenant, now)
            begun[stood.key] = now
            running[stood.key] = stood.tenant
            assert concurrency is None or len(running) <= concurrency
            assert per_tenant is None or max(Counter(running.values()).values()) <= per_tenant
            if rate is not None:
                assert sum(now - rate[1] < at <= now for at in begun.values()) <= rate[0]

    for what, first, second in steps:
        if what == "join":
            key = len(joined)
            joined.append(key)
            tenants[key] = first
            join(made, key, first, second, since_us=now)
        elif what == "end" and first in running:
            made.end(running.pop(first))
        elif what == "leave" and first in made.waiting:
            made.leave(first)
            left.add(first)
        elif what == "pass":
            now += first
        go()
        for key in made.waiting:
            assert made.place_of(key) is not None
    for _ in range(200):
        for key in list(running):
            made.end(running.pop(key))
        now += 30
        go()
    assert set(begun) == set(joined) - left
    assert not made.waiting


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abcde"), st.integers(0, 2)), max_size=80))
def test_nobody_is_passed_over_twice_by_one_tenant(runs):
    """Between two runs of a tenant, each other tenant of the priority that waits begins one."""
    made = line()
    for key, (tenant, priority) in enumerate(runs):
        join(made, key, tenant, priority, since_us=key)
    order = [runs[key] for key in begin_all(made)]
    assert [priority for _, priority in order] == sorted(priority for _, priority in runs)
    for index, (tenant, priority) in enumerate(order):
        later = [other for other in order[index + 1 :] if other[1] == priority]
        again = next((i for i, other in enumerate(later) if other[0] == tenant), None)
        if again is not None:
            waiting = {name for name, _ in later[again:]} - {tenant}
            assert waiting <= {name for name, _ in later[:again]}
