from hypothesis import given
from hypothesis import strategies as st

from maestro_core_api._client._budget import RetryBudget


class Clock:
    """Seconds that the test sets."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_calls_pay_for_retries() -> None:
    """A share of the calls may be made again, on top of a floor, and no more."""
    budget = RetryBudget(share=0.2, floor=2, clock=Clock())
    assert [budget.take() for _ in range(3)] == [True, True, False]
    for _ in range(4):
        budget.pay_in()
    assert not budget.take()
    budget.pay_in()
    assert [budget.take(), budget.take()] == [True, False]


def test_the_past_pays_for_nothing() -> None:
    """Calls and retries count for ten seconds."""
    clock = Clock()
    budget = RetryBudget(share=0.5, floor=1, clock=clock)
    for _ in range(4):
        budget.pay_in()
    assert [budget.take() for _ in range(4)] == [True, True, True, False]
    clock.now = 9.9
    assert not budget.take()
    clock.now = 10.0
    assert [budget.take(), budget.take()] == [True, False]


@given(
    steps=st.lists(st.tuples(st.booleans(), st.floats(0, 3)), max_size=200),
    share=st.sampled_from([0.0, 0.1, 0.2, 0.5, 1.0]),
    floor=st.integers(0, 5),
)
def test_no_order_of_calls_gets_more(steps: list[tuple[bool, float]], share: float, floor: int) -> None:
    """In every nine seconds, retries are at most the floor and the share of the calls of the last ten."""
    clock = Clock()
    budget = RetryBudget(share=share, floor=floor, clock=clock)
    calls: list[float] = []
    retries: list[float] = []
    for is_call, pause_s in steps:
        clock.now += pause_s
        if is_call:
            budget.pay_in()
            calls.append(clock.now)
        elif budget.take():
            retries.append(clock.now)
            recent = sum(at > clock.now - 9 for at in retries)
            assert recent <= floor + share * sum(at > clock.now - 11 for at in calls) + 1e-6
