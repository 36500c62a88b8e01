from datetime import timedelta

from intelligence_service.cache import ExactCache
from intelligence_service.domain.analysis import Analysis, Method
from intelligence_service.testing import FakeClock


def analysis(result: str) -> Analysis:
    return Analysis("p", "1", result, None, (), Method.MODEL)


def test_an_answer_is_remembered_for_its_time(clock: FakeClock) -> None:
    """It is there until its time is over, and gone then."""
    cache = ExactCache(timedelta(seconds=10), clock=clock)
    cache.put("acme", "key", analysis("a"))
    clock.now += 9.9
    assert cache.get("acme", "key") == analysis("a")
    clock.now += 0.1
    assert cache.get("acme", "key") is None


def test_the_one_not_used_for_longest_makes_room(clock: FakeClock) -> None:
    """Beyond the capacity the least recently used answer goes."""
    cache = ExactCache(timedelta(seconds=10), clock=clock, capacity=2)
    cache.put("acme", "a", analysis("a"))
    cache.put("acme", "b", analysis("b"))
    cache.get("acme", "a")
    cache.put("acme", "c", analysis("c"))
    assert [cache.get("acme", key) is not None for key in "abc"] == [True, False, True]


def test_no_time_remembers_nothing(clock: FakeClock) -> None:
    """A `cache_ttl` of 0 switches the memory off."""
    cache = ExactCache(timedelta(0), clock=clock)
    cache.put("acme", "key", analysis("a"))
    assert cache.get("acme", "key") is None
