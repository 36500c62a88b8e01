from datetime import timedelta

from intelligence_service.domain.analysis import Analysis, Method
from intelligence_service.storage import MemoryCache
from intelligence_service.testing import FakeClock


def analysis(result: str) -> Analysis:
    return Analysis("p", "1", result, None, (), Method.MODEL)


def test_an_answer_is_remembered_for_its_time(clock: FakeClock) -> None:
    """It is there until its time is over, and gone then."""
    cache = MemoryCache(timedelta(seconds=10), clock=clock)
    cache.put("key", analysis("a"))
    clock.now += 9.9
    assert cache.get("key") == analysis("a")
    clock.now += 0.1
    assert cache.get("key") is None


def test_the_one_not_used_for_longest_makes_room(clock: FakeClock) -> None:
    """Beyond the capacity the least recently used answer goes."""
    cache = MemoryCache(timedelta(seconds=10), clock=clock, capacity=2)
    cache.put("a", analysis("a"))
    cache.put("b", analysis("b"))
    cache.get("a")
    cache.put("c", analysis("c"))
    assert [cache.get(key) is not None for key in "abc"] == [True, False, True]


def test_no_time_remembers_nothing(clock: FakeClock) -> None:
    """A `cache_ttl` of 0 switches the memory off."""
    cache = MemoryCache(timedelta(0), clock=clock)
    cache.put("key", analysis("a"))
    assert cache.get("key") is None
