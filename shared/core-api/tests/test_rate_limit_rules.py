from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from maestro_core_api import RateLimit, RateLimitConfig
from maestro_core_api._rate_limit import decide
from maestro_core_api._rate_limit_store import MemoryRateLimitStore, Take
from maestro_core_api._rate_limiter import rate_limit_headers


def limit(count: int = 3, seconds: float = 60, burst: int | None = None) -> RateLimit:
    """A limit."""
    return RateLimit(rule="per-caller", limit=count, period=timedelta(seconds=seconds), burst=burst)


def test_a_decision_tells_what_is_left_and_how_long_to_wait() -> None:
    """Three a minute: the first leaves two, the fourth waits until one of the three has leaked away."""
    assert decide(limit(), 0, taken=True).remaining == 2
    refused = decide(limit(), 60_000_000, taken=False)
    assert (refused.allowed, refused.remaining, refused.retry_after_us) == (False, 0, 20_000_000)
    assert decide(limit(), 40_000_000, taken=True).allowed


def test_a_burst_is_smaller_than_the_limit() -> None:
    """With a burst of one, requests come one by one, evenly."""
    assert decide(limit(burst=1), 0, taken=True).remaining == 0
    assert decide(limit(burst=1), 1, taken=False).retry_after_us == 1


@given(
    count=st.integers(1, 50),
    period_ms=st.integers(1, 5_000),
    burst=st.none() | st.integers(1, 20),
    steps=st.lists(st.integers(0, 400_000), max_size=200),
)
async def test_never_more_than_promised(count: int, period_ms: int, burst: int | None, steps: list[int]) -> None:
    """Within any stretch of time, no more than the burst and what leaks away is let through.

    A request that was refused is let through exactly when it was told.
    """
    rule = RateLimit(rule="r", limit=count, period=timedelta(milliseconds=period_ms), burst=burst)
    now = 0
    store = MemoryRateLimitStore(clock_us=lambda: now)
    let_through: list[int] = []
    for step in steps:
        now += step
        (decision,) = await store.take([Take("k", rule)])
        if decision.allowed:
            let_through.append(now)
        else:
            now += decision.retry_after_us - 1
            assert not (await store.take([Take("k", rule)]))[0].allowed
            now += 1
            assert (await store.take([Take("k", rule)]))[0].allowed
            let_through.append(now)
    for first, start in enumerate(let_through):
        for last in range(first, len(let_through)):
            stretch = let_through[last] - start
            assert last - first + 1 <= rule.capacity + stretch * count / (period_ms * 1_000) + 1e-9


async def test_memory_is_bounded() -> None:
    """However many callers there are, a bounded number is kept; those whose backlog is empty go first."""
    now = 0
    store = MemoryRateLimitStore(max_keys=10, clock_us=lambda: now)
    for number in range(100):
        await store.take([Take(str(number), limit())])
    assert len(store) <= 11
    now = 10**9
    for _ in range(20):
        await store.take([Take("one", limit())])
    assert len(store) == 1


def test_the_headers_are_structured_fields() -> None:
    """Policies and states are lists of quoted names with whole numbers."""
    decisions = [decide(limit(), 0, taken=True), decide(limit(count=100, seconds=0.5), 0, taken=True)]
    assert rate_limit_headers(decisions) == [
        ("RateLimit-Policy", '"per-caller";q=3;w=60, "per-caller";q=100;w=1'),
        ("RateLimit", '"per-caller";r=2;t=20, "per-caller";r=99;t=1'),
    ]


@pytest.mark.parametrize(
    "options", [{"rule": "A b"}, {"limit": 0}, {"period": timedelta(0)}, {"by": ("moon",)}, {"burst": 0}]
)
def test_nonsense_is_refused(options: dict[str, object]) -> None:
    """A limit that could not be kept or told is refused when it is made."""
    with pytest.raises(ValidationError):
        RateLimit.model_validate({"rule": "r", "limit": 1, **options})


def test_rules_differ() -> None:
    """Two limits of one name are refused: their backlogs would be one."""
    with pytest.raises(ValidationError, match="differ"):
        RateLimitConfig(limits=(limit(), limit()))
