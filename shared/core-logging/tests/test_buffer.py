from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from maestro_core_logging._buffer import Buffer


def test_items_leave_in_the_order_they_came() -> None:
    """However severe they are."""
    buffer: Buffer[str] = Buffer(10, 100)
    for item, severity in (("a", 20), ("b", 40), ("c", 10), ("d", 20)):
        assert buffer.put(item, 1, severity) == 0
    assert buffer.take(3) == ["a", "b", "c"]
    assert buffer.take(3) == ["d"]
    assert buffer.take(3) == []


def test_the_more_severe_take_the_place_of_the_least_severe() -> None:
    """The oldest of the least severe goes; of equals, the first stay."""
    buffer: Buffer[str] = Buffer(3, 100)
    for item, severity in (("info", 20), ("debug 1", 10), ("debug 2", 10)):
        buffer.put(item, 1, severity)
    assert buffer.put("debug 3", 1, 10) == 1
    assert buffer.put("error 1", 1, 40) == 1
    assert buffer.put("error 2", 1, 40) == 1
    assert buffer.put("error 3", 1, 40) == 1
    assert buffer.put("error 4", 1, 40) == 1
    assert buffer.put("critical", 1, 50) == 1
    assert buffer.take(9) == ["error 2", "error 3", "critical"]


def test_bytes_are_bounded_too() -> None:
    """A long item makes room for itself, or is dropped when it never fits."""
    buffer: Buffer[str] = Buffer(100, 10)
    for number in range(5):
        buffer.put(f"debug {number}", 2, 10)
    assert buffer.put("error", 5, 40) == 3
    assert buffer.take(9) == ["debug 3", "debug 4", "error"]
    assert buffer.put("too long", 11, 40) == 1
    assert buffer.items == 0


@given(
    st.lists(st.tuples(st.integers(1, 4), st.sampled_from([10, 20, 30, 40, 50])), max_size=60),
    st.integers(1, 8),
    st.integers(1, 12),
)
def test_nothing_is_lost_without_being_counted(puts: list[tuple[int, int]], most_items: int, most_bytes: int) -> None:
    """Bounds hold, what stays is in order, and kept and dropped add up; the most severe of all stays if it fits."""
    buffer: Buffer[int] = Buffer(most_items, most_bytes)
    dropped = sum(buffer.put(number, size, severity) for number, (size, severity) in enumerate(puts))
    assert buffer.items <= most_items
    kept = buffer.take(100)
    assert kept == sorted(kept)
    assert len(kept) + dropped == len(puts)
    assert sum(puts[number][0] for number in kept) <= most_bytes
    fitting = [severity for size, severity in puts if size <= most_bytes]
    if fitting:
        assert max(fitting) in [puts[number][1] for number in kept]
