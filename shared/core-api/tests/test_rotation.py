from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from maestro_core_api._rotation import Rotation


def test_turns_are_spread() -> None:
    """Who has most of the weight gets most of the turns, and not all of them in a row."""
    rotation = Rotation()
    turns = [rotation.take({"a": 5, "b": 1, "c": 1}) for _ in range(7)]
    assert turns == ["a", "a", "b", "a", "c", "a", "a"]


@given(st.dictionaries(st.text(min_size=1), st.integers(1, 100), min_size=1, max_size=8))
def test_a_whole_round_gives_each_its_weight(weights: dict[str, int]) -> None:
    """In as many turns as the weights add up to, each one gets exactly as many as its weight."""
    rotation = Rotation()
    assert Counter(rotation.take(weights) for _ in range(sum(weights.values()))) == weights


def test_who_comes_and_goes_disturbs_nobody() -> None:
    """One that leaves is not chosen any more, and one that comes gets its share from then on, give or take a turn."""
    rotation = Rotation()
    for _ in range(5):
        rotation.take({"a": 1, "b": 9})
    assert {rotation.take({"a": 1}) for _ in range(3)} == {"a"}
    turns = Counter(rotation.take({"a": 1, "c": 1}) for _ in range(10))
    assert all(4 <= turns[name] <= 6 for name in "ac")


def test_small_weights_do_not_pay_for_large_ones() -> None:
    """After weights have become a hundredth of what they were, nobody has a row of turns left over from before."""
    rotation = Rotation()
    rotation.take({"a": 100, "b": 100, "c": 100})
    turns = "".join(rotation.take({"a": 1, "b": 1, "c": 1}) for _ in range(9))
    assert all(name * 3 not in turns for name in "abc")
    assert all(2 <= turns.count(name) <= 4 for name in "abc")
