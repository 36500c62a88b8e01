"""A registry that itself stood still."""

from datetime import timedelta

import pytest

from central_registry.domain import LeaseExpiredError, Limits, Registry, RegistryFullError
from central_registry.testing import FakeClock, MemoryStore


@pytest.fixture
def registry(store: MemoryStore, clock: FakeClock) -> Registry:
    """A registry that notices when it stands still for more than three seconds."""
    return Registry(store, clock=clock, pause_tolerance=timedelta(seconds=3))


async def register(registry: Registry, instance_id: str = "a", lease_s: float = 10) -> None:
    lease = timedelta(seconds=lease_s)
    await registry.register("echo", instance_id, url="http://127.0.0.1:1", version="1", lease=lease)


def go_on(registry: Registry, clock: FakeClock, seconds: int) -> None:
    """Let time go by in which the registry is awake."""
    for _ in range(seconds):
        clock.advance(1)
        registry.beat()


async def test_a_standstill_ends_no_lease(registry: Registry, clock: FakeClock) -> None:
    """Whoever was live before the registry stood still gets a whole lease after it, whatever is asked first."""
    await register(registry, "a", 10)
    go_on(registry, clock, 9)
    clock.advance(3_600)
    (instance,) = registry.look_up("echo")
    assert instance.lease_expires_at == clock() + timedelta(seconds=10)
    assert registry.pauses == 1
    assert registry.renew("echo", "a")


async def test_a_sweep_after_a_standstill_takes_nobody_out(registry: Registry, clock: FakeClock) -> None:
    """The first sweep after a standstill finds no lease that ran out."""
    await register(registry)
    clock.advance(60)
    assert registry.expire() == ()
    go_on(registry, clock, 10)
    assert [each.key.instance_id for each in registry.expire()] == ["a"]


async def test_who_was_gone_before_stays_gone(registry: Registry, clock: FakeClock) -> None:
    """A lease that ran out while the registry was awake does not come back after a standstill."""
    await register(registry, "a", 5)
    await register(registry, "b", 60)
    go_on(registry, clock, 6)
    clock.advance(600)
    assert [each.key.instance_id for each in registry.look_up("echo")] == ["b"]
    with pytest.raises(LeaseExpiredError):
        registry.renew("echo", "a")


async def test_a_busy_moment_is_no_standstill(registry: Registry, clock: FakeClock) -> None:
    """A delay within the tolerance prolongs nothing."""
    await register(registry)
    for _ in range(4):
        clock.advance(3)
        registry.beat()
    assert registry.pauses == 0
    assert registry.live() == {}


async def test_without_a_tolerance_time_is_time(store: MemoryStore, clock: FakeClock) -> None:
    """A registry that is not told to notice standstills lets leases run out over them."""
    registry = Registry(store, clock=clock)
    await register(registry)
    clock.advance(60)
    assert registry.live() == {}


async def test_no_more_instances_than_there_is_room_for(store: MemoryStore, clock: FakeClock) -> None:
    """One instance too many is refused and nothing is written; known ones may register on, and room that is free is used."""
    registry = Registry(store, clock=clock, limits=Limits(max_instances=2))
    await register(registry, "a")
    await register(registry, "b")
    with pytest.raises(RegistryFullError) as caught:
        await register(registry, "c")
    assert caught.value.most == 2
    await register(registry, "a", 20)
    await registry.leave("echo", "b")
    await register(registry, "c")
    assert len(store.kept) == 2
