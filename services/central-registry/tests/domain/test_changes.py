import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central_registry.domain import ChangeKind, ChangeLog, HealthCheck, InstanceKey, Registry
from central_registry.testing import FakeClock, MemoryStore

KEY = InstanceKey("echo", "a")
CHECK = HealthCheck("/health", unhealthy_after=1, healthy_after=1)


def kinds(registry: Registry, since: int = 0) -> list[str]:
    changes = registry.changes.since(since)
    assert changes is not None
    return [change.kind.value for change in changes]


async def register(registry: Registry, **options: object) -> None:
    options = {"url": "http://127.0.0.1:1", "version": "1", "health_check": CHECK, **options}
    await registry.register("echo", "a", **options)  # type: ignore[arg-type]


async def test_every_kind_of_change_is_noted_once(registry: Registry, clock: FakeClock) -> None:
    """Whatever changes what look-up shows is in the log, in order; what changes nothing is not."""
    await register(registry)
    await register(registry)
    registry.renew(*KEY)
    await register(registry, tags=["blue"])
    for failure in ("status 500", "status 500", None, None):
        instance = registry.find(*KEY)
        assert instance is not None
        registry.note_probe(instance, failure)
    await registry.leave(*KEY)
    await registry.leave(*KEY)
    await register(registry)
    clock.advance(10)
    registry.expire()
    registry.expire()
    assert kinds(registry) == ["registered", "changed", "unhealthy", "healthy", "left", "registered", "lost"]


async def test_who_comes_back_before_the_sweep_was_lost(registry: Registry, clock: FakeClock) -> None:
    """An instance that registers after its lease, and before anyone swept, was lost and is new."""
    await register(registry)
    clock.advance(10)
    await register(registry)
    assert kinds(registry) == ["registered", "lost", "registered"]


async def test_what_is_not_kept_is_not_noted(registry: Registry, store: MemoryStore) -> None:
    """A registration that the disk refused is no change."""
    store.full = True
    with pytest.raises(Exception, match="full"):
        await register(registry)
    assert kinds(registry) == []


async def test_a_snapshot_tells_its_version(registry: Registry) -> None:
    """What look-up shows comes with the place in the log that it belongs to, and waiting from there meets the next change."""
    before = registry.snapshot()
    waiting = asyncio.create_task(registry.changes.wait(before.version))
    await asyncio.sleep(0)
    assert not waiting.done()
    await register(registry)
    assert await waiting == registry.snapshot().version == before.version + 1
    assert set(registry.snapshot().services) == {"echo"}


async def test_everyone_who_waits_is_woken(registry: Registry) -> None:
    """A change wakes all who wait for it; who waits for what is past does not wait."""
    waiting = [asyncio.create_task(registry.changes.wait(0)) for _ in range(100)]
    await asyncio.sleep(0)
    await register(registry)
    assert await asyncio.gather(*waiting) == [1] * 100
    assert await registry.changes.wait(0) == 1


@given(st.integers(1, 20), st.integers(0, 40), st.integers(-2, 45))
def test_a_bounded_log_gives_everything_or_nothing(capacity: int, count: int, position: int) -> None:
    """From any place the log gives exactly the later changes, or says that it no longer has them all."""
    store, clock = MemoryStore(), FakeClock()
    registry = Registry(store, clock=clock, changes=ChangeLog(capacity=capacity))
    asyncio.run(register(registry))
    (instance,) = registry.look_up("echo")
    log = ChangeLog(capacity=capacity)
    for _ in range(count):
        log.add(ChangeKind.CHANGED, instance, clock())
    found = log.since(position)
    if position < max(0, count - capacity) or position > count or position < 0:
        assert found is None
    else:
        assert found is not None
        assert [change.position for change in found] == list(range(position + 1, count + 1))
