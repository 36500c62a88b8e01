from collections.abc import Sequence
from datetime import timedelta

import pytest

from maestro_core_api._resolver import ServiceResolver


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class LookUp:
    """Answers with the given addresses and remembers who asked."""

    def __init__(self, *urls: str) -> None:
        self.urls = urls
        self.asked: list[str] = []

    async def __call__(self, service: str) -> Sequence[str]:
        self.asked.append(service)
        return self.urls


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
