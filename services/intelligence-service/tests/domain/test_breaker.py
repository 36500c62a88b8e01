from datetime import timedelta

from intelligence_service.domain.breaker import Breaker
from intelligence_service.testing import FakeClock


def test_it_opens_after_failures_in_a_row_and_closes_with_time(clock: FakeClock) -> None:
    """Three failures in a row open it for its rest; then one call may try."""
    breaker = Breaker(clock, failures=3, rest=timedelta(seconds=10))
    for _ in range(2):
        breaker.failed()
    assert breaker.wait() is None
    breaker.failed()
    assert breaker.wait() == timedelta(seconds=10)
    clock.now += 10
    assert breaker.wait() is None
    breaker.failed()
    assert breaker.wait() == timedelta(seconds=10)


def test_a_success_forgets_failures(clock: FakeClock) -> None:
    """A success in between starts the count anew."""
    breaker = Breaker(clock, failures=2)
    breaker.failed()
    breaker.succeeded()
    breaker.failed()
    assert breaker.wait() is None


def test_one_call_tries_while_the_others_wait(clock: FakeClock) -> None:
    """Half-open lets one through; a call that was given up lets the next one try; the state is told."""
    breaker = Breaker(clock, failures=1, rest=timedelta(seconds=10))
    assert breaker.state == "closed"
    breaker.failed()
    assert breaker.state == "open"
    clock.now += 10
    assert (breaker.state, breaker.wait()) == ("half-open", None)
    assert breaker.wait() is not None
    breaker.abandoned()
    assert breaker.wait() is None
    breaker.succeeded()
    assert (breaker.state, breaker.wait()) == ("closed", None)
