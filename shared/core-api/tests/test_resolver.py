import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest

from maestro_core_api import APIException, ServiceUnavailableException
from maestro_core_api._resolver import LiveInstance, ServiceResolver


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class LookUp:
    """Answers with the given instances, addresses for those without hints, and remembers who asked."""

    def __init__(self, *instances: str | LiveInstance) -> None:
        self.instances = [LiveInstance(each) if isinstance(each, str) else each for each in instances]
        self.asked: list[str] = []

    async def __call__(self, service: str) -> Sequence[LiveInstance]:
        self.asked.append(service)
        await asyncio.sleep(0)
        return self.instances


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("service://orders/a/b?c=d", "http://one:1/a/b?c=d"),
        ("service://orders", "http://one:1"),
        ("service://orders/a%2Fb", "http://one:1/a%2Fb"),
    ],
)
async def test_path_and_query_are_kept(url: str, expected: str) -> None:
    """Only the service's name is replaced."""
    assert await ServiceResolver(LookUp("http://one:1/")).resolve(url) == (expected,)


async def test_load_goes_round() -> None:
    """Each call begins with the next instance and falls back to the others."""
    resolver = ServiceResolver(LookUp("http://a", "http://b", "http://c"))
    first = [(await resolver.resolve("service://orders/"))[0] for _ in range(4)]
    assert first == ["http://a/", "http://b/", "http://c/", "http://a/"]
    assert await resolver.resolve("service://orders/") == ("http://b/", "http://c/", "http://a/")


async def test_load_follows_the_weights() -> None:
    """An instance with a third of another's weight gets a third of its calls, and those not in a row."""
    look_up = LookUp(LiveInstance("http://a", weight=30), LiveInstance("http://b", weight=10))
    resolver = ServiceResolver(look_up)
    first = [(await resolver.resolve("service://orders/"))[0] for _ in range(8)]
    assert first == ["http://a/", "http://a/", "http://b/", "http://a/"] * 2


async def test_the_own_zone_comes_first() -> None:
    """Instances elsewhere get nothing while one of the own zone can be had, and stand behind them in each order."""
    clock = Clock()
    far, near = LiveInstance("http://a:1", weight=100, priority=1), LiveInstance("http://b:1", weight=1)
    resolver = ServiceResolver(LookUp(far, near, LiveInstance("http://c:1", weight=1)), clock=clock)
    orders = [await resolver.resolve("service://orders/") for _ in range(4)]
    assert {order[-1] for order in orders} == {"http://a:1/"}
    assert [order[0] for order in orders] == ["http://b:1/", "http://c:1/"] * 2
    for base in ("http://b:1", "http://c:1"):
        resolver.avoid("service://orders/", base)
    assert (await resolver.resolve("service://orders/"))[0] == "http://a:1/"


async def test_weights_that_change_take_effect_at_the_next_answer() -> None:
    """Turns go on over a new answer of the registry, with its weights."""
    clock, look_up = Clock(), LookUp(LiveInstance("http://a", weight=10), LiveInstance("http://b", weight=10))
    resolver = ServiceResolver(look_up, clock=clock)
    assert (await resolver.resolve("service://orders/"))[0] == "http://a/"
    look_up.instances = [LiveInstance("http://a", weight=10), LiveInstance("http://b", weight=100)]
    clock.now = 10.0
    firsts = [(await resolver.resolve("service://orders/"))[0] for _ in range(11)]
    assert firsts.count("http://a/") == 1


async def test_answers_are_kept_for_a_while() -> None:
    """The registry is asked again when the time is over, or when an instance failed, and once per service."""
    clock, look_up = Clock(), LookUp("http://a")
    resolver = ServiceResolver(look_up, keep_for=timedelta(seconds=2), clock=clock)
    await resolver.resolve("service://orders/")
    clock.now = 1.9
    await resolver.resolve("service://orders/x")
    assert look_up.asked == ["orders"]
    clock.now = 2.0
    await resolver.resolve("service://orders/")
    assert look_up.asked == ["orders", "orders"]
    resolver.forget("service://orders/")
    await resolver.resolve("service://orders/")
    await resolver.resolve("service://billing/")
    assert look_up.asked == ["orders", "orders", "orders", "billing"]


async def test_who_failed_comes_last_for_a_while() -> None:
    """An instance that is avoided is still asked when all others fail, and takes its turn again afterwards."""
    clock = Clock()
    resolver = ServiceResolver(LookUp("http://a:1", "http://b:1/x"), avoid_for=timedelta(seconds=5), clock=clock)
    resolver.avoid("service://orders/", "http://b:1")
    for _ in range(2):
        assert await resolver.resolve("service://orders/") == ("http://a:1/", "http://b:1/x/")
    clock.now = 5.0
    firsts = {(await resolver.resolve("service://orders/"))[0] for _ in range(2)}
    assert firsts == {"http://a:1/", "http://b:1/x/"}


class Failing(LookUp):
    """Answers until it is told to fail."""

    error: APIException | None = None

    async def __call__(self, service: str) -> Sequence[LiveInstance]:
        instances = await super().__call__(service)
        if self.error is not None:
            raise self.error
        return instances


async def test_an_answer_outlives_the_registry_for_a_limited_time() -> None:
    """While the registry fails the last answer is used, and asked for anew now and then, until it is too old."""
    clock, look_up = Clock(), Failing("http://a")
    resolver = ServiceResolver(look_up, outlive=timedelta(seconds=60), clock=clock)
    await resolver.resolve("service://orders/")
    look_up.error = ServiceUnavailableException(error_code="SERVICE_UNREACHABLE")
    for clock.now in (10.0, 11.0, 59.9):
        assert await resolver.resolve("service://orders/") == ("http://a/",)
    assert len(look_up.asked) == 3
    clock.now = 62.0
    with pytest.raises(ServiceUnavailableException):
        await resolver.resolve("service://orders/")


async def test_a_service_that_is_gone_is_not_kept_alive() -> None:
    """A registry that answers that there is no instance is believed at once."""
    clock, look_up = Clock(), Failing("http://a")
    resolver = ServiceResolver(look_up, clock=clock)
    await resolver.resolve("service://orders/")
    look_up.error, clock.now = ServiceUnavailableException(error_code="NO_LIVE_INSTANCE"), 10.0
    with pytest.raises(ServiceUnavailableException):
        await resolver.resolve("service://orders/")


async def test_calls_at_the_same_time_ask_once() -> None:
    """A hundred calls that need the same answer ask the registry once."""
    look_up = LookUp("http://a")
    resolver = ServiceResolver(look_up)
    await asyncio.gather(*(resolver.resolve("service://orders/") for _ in range(100)))
    assert look_up.asked == ["orders"]
