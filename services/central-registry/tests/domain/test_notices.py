"""What the platform is told, and that it is told with the very change on disk."""

import pytest

from central_registry.domain import Registry, StorageFullError
from central_registry.testing import FakeClock, MemoryStore


async def register(registry: Registry, instance_id: str = "a", **options: str) -> None:
    await registry.register("echo", instance_id, url="http://127.0.0.1:1", version="1", **options)  # type: ignore[arg-type]


def told(store: MemoryStore) -> list[tuple[str, str]]:
    return [(notice.kind.value, notice.registration.instance_id) for notice in store.told]


async def test_coming_leaving_and_losing_are_told_once(
    registry: Registry, store: MemoryStore, clock: FakeClock
) -> None:
    """Each instance is told of when it comes and when it goes; renewals and changes are not."""
    await register(registry, "a")
    await register(registry, "a", zone="eu-1")
    await register(registry, "b")
    registry.renew("echo", "a")
    await registry.leave("echo", "a")
    await registry.leave("echo", "a")
    clock.advance(10)
    registry.expire()
    await registry.clear_away()
    await registry.clear_away()
    assert told(store) == [("registered", "a"), ("registered", "b"), ("left", "a"), ("lost", "b")]


async def test_what_could_not_be_told_is_told_later_and_in_order(registry: Registry, store: MemoryStore) -> None:
    """While the disk is full nothing is told; then everything is, before what comes after it."""
    await register(registry, "a")
    store.full = True
    with pytest.raises(StorageFullError):
        await registry.leave("echo", "a")
    with pytest.raises(StorageFullError):
        await register(registry, "b")
    assert told(store) == [("registered", "a")]
    store.full = False
    await register(registry, "a")
    await registry.clear_away()
    assert told(store) == [("registered", "a"), ("left", "a"), ("registered", "a")]


async def test_who_comes_back_unswept_was_lost_first(registry: Registry, store: MemoryStore, clock: FakeClock) -> None:
    """An instance that registers after its lease and before the sweep is told of as lost and then as registered."""
    await register(registry)
    clock.advance(10)
    await register(registry)
    registry.expire()
    await registry.clear_away()
    assert told(store) == [("registered", "a"), ("lost", "a"), ("registered", "a")]


async def test_a_restart_tells_nothing(registry: Registry, store: MemoryStore, clock: FakeClock) -> None:
    """Who is known after a restart was told of before it."""
    await register(registry)
    restarted = Registry(store, clock=clock)
    await restarted.restore()
    await register(restarted)
    assert told(store) == [("registered", "a")]
