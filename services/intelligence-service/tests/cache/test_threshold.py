import pytest
from hypothesis import given
from hypothesis import strategies as st

from intelligence_service.cache import NEVER, Check, ThresholdKeeper, wilson_upper
from intelligence_service.cache.same_facts import facts_of
from intelligence_service.cache.threshold import lowest_within

CHECKS = st.lists(st.builds(Check, st.floats(0.9, 1.0), st.booleans()), max_size=60)


@given(CHECKS, st.sampled_from([0.0, 0.01, 0.1, 0.5]))
def test_the_threshold_keeps_the_budget_and_is_not_raised_without_need(checks: list[Check], budget: float) -> None:
    """Above the threshold the share of false hits is within the budget; the floor is kept whenever it is."""
    threshold = lowest_within(checks, floor=0.9, budget=budget)
    above = [check for check in checks if check.similarity >= threshold]
    assert sum(not check.agreed for check in above) <= budget * len(above)
    whole = sum(not check.agreed for check in checks) <= budget * len(checks)
    assert (threshold == 0.9) == whole


def test_a_false_hit_raises_the_threshold_at_once_and_is_forgotten_when_it_is_old() -> None:
    """One false hit puts the threshold above it; when newer checks have pushed it out, the floor is back."""
    keeper = ThresholdKeeper(floor=0.95, budget=0.01, window=50)
    keeper.note(Check(0.97, agreed=False))
    assert 0.97 < keeper.threshold < 0.98
    for _ in range(50):
        keeper.note(Check(0.99, agreed=True))
    assert keeper.threshold == 0.95
    assert keeper.false_hits().checked == 50
    assert keeper.false_hits().upper_rate == pytest.approx(wilson_upper(0, 50))


def test_when_nothing_is_safe_nothing_is_answered_by_likeness() -> None:
    """A false hit at the highest similarity switches likeness off; checks below the floor say nothing."""
    keeper = ThresholdKeeper(floor=0.95, budget=0.01)
    keeper.note(Check(0.5, agreed=False))
    assert keeper.threshold == 0.95
    keeper.note(Check(1.0, agreed=False))
    assert keeper.threshold == NEVER


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("send 100 euros", "send 1000 euros", False),
        ("can I cancel it", "can't I cancel it", False),
        ("I do not want it", "I want it", False),
        ('who is "Ada"', 'who is "Bob"', False),
        ("where is my card?", "Where's the card", True),
        ("pay 5 and 7", "7 and 5 paid", True),
    ],
)
def test_numbers_negations_and_quotes_make_another_question(one: str, other: str, same: bool) -> None:
    """What encoders overlook is compared word for word."""
    assert (facts_of(one) == facts_of(other)) is same
