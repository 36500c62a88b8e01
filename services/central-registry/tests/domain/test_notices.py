"""What the platform is told, and that it is told with the very change on disk."""

import asyncio
from collections.abc import Sequence

import pytest

from central_registry.domain import Notice, Registration, Registry, StorageFullError
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


class SlowStore(MemoryStore):
    """A disk that is busy with a write until the test lets go of it."""

    def __init__(self) -> None:
        super().__init__()
        self.writing, self.go_on = asyncio.Event(), asyncio.Event()

    async def save(self, registration: Registration, notices: Sequence[Notice] = ()) -> None:
        self.writing.set()
        await self.go_on.wait()
        await super().save(registration, notices)


@pytest.mark.parametrize("full", [False, True])
async def test_who_is_heard_of_while_the_disk_is_slow_is_not_lost(clock: FakeClock, full: bool) -> None:
    """An instance whose change is being written when its lease ends is live, and told of as nothing else; lost only when the write fails."""
    store = SlowStore()
    registry = Registry(store, clock=clock)
    store.go_on.set()
    await register(registry)
    store.writing.clear()
    store.go_on.clear()
    changing = asyncio.create_task(register(registry, zone="eu-1"))
    await store.writing.wait()
    clock.advance(10)
    assert registry.expire() == ()
    store.full = full
    store.go_on.set()
    (failure,) = await asyncio.gather(changing, return_exceptions=True)
    store.full = False
    registry.expire()
    await registry.clear_away()
    assert isinstance(failure, StorageFullError) == full
    assert (registry.find("echo", "a") is None) == full
    assert told(store) == [("registered", "a"), *([("lost", "a")] if full else [])]
    kinds = [change.kind.value for change in registry.changes.since(0) or ()]
    assert kinds == ["registered", "lost" if full else "changed"]


async def test_a_restart_tells_nothing(registry: Registry, store: MemoryStore, clock: FakeClock) -> None:
    """Who is known after a restart was told of before it."""
    await register(registry)
    restarted = Registry(store, clock=clock)
    await restarted.restore()
    await register(restarted)
    assert told(store) == [("registered", "a")]
