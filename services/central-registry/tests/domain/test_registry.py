import asyncio
from collections.abc import Coroutine, Sequence
from datetime import timedelta
from typing import Any

import pytest

from central_registry.domain import (
    InstanceKey,
    InvalidRegistrationError,
    LeaseExpiredError,
    Notice,
    Registered,
    Registration,
    Registry,
    ServiceNotFoundError,
    StorageFullError,
)
from central_registry.testing import FakeClock, MemoryStore

KEY = InstanceKey("echo", "a")


def register(
    registry: Registry, instance_id: str = "a", *, url: str = "http://127.0.0.1:1", **options: Any
) -> Coroutine[Any, Any, Registered]:
    return registry.register("echo", instance_id, url=url, version="1.0.0", **options)


async def test_a_new_instance_is_kept_and_shown(registry: Registry, store: MemoryStore, clock: FakeClock) -> None:
    """Registering puts an instance on disk and shows it with the default lease."""
    instance, created = await register(registry, metadata={"zone": "a"})
    assert created
    assert registry.look_up("echo") == (instance,)
    assert store.kept == {KEY: instance.registration}
    assert instance.registration.metadata == {"zone": "a"}
    assert instance.registration.registered_at == clock()
    assert instance.lease_expires_at == clock() + timedelta(seconds=10)


async def test_the_same_registration_again_is_a_renewal(
    registry: Registry, store: MemoryStore, clock: FakeClock
) -> None:
    """Registering the same again renews the lease, keeps the date, and writes nothing."""
    first = await register(registry)
    clock.advance(5)
    again = await register(registry)
    assert not again.created
    assert again.instance.registration == first.instance.registration
    assert again.instance.lease_expires_at == clock() + timedelta(seconds=10)
    assert store.writes == 1


async def test_renewals_write_nothing(registry: Registry, store: MemoryStore, clock: FakeClock) -> None:
    """A thousand renewals cost the disk nothing."""
    await register(registry)
    for _ in range(1_000):
        clock.advance(5)
        registry.renew(*KEY)
    assert store.writes == 1
    assert registry.look_up("echo")


async def test_a_changed_registration_is_kept(registry: Registry, store: MemoryStore, clock: FakeClock) -> None:
    """Registering a live instance with another address changes it on disk and in look-up; its date stays."""
    first = await register(registry)
    clock.advance(1)
    changed = await register(registry, url="http://127.0.0.1:2")
    assert not changed.created
    assert registry.look_up("echo")[0].registration.url == "http://127.0.0.1:2"
    assert store.kept[KEY].url == "http://127.0.0.1:2"
    assert changed.instance.registration.registered_at == first.instance.registration.registered_at


async def test_an_expired_instance_registers_as_a_new_one(registry: Registry, clock: FakeClock) -> None:
    """An instance that comes back after its lease is new again, with a new date."""
    first = await register(registry)
    clock.advance(10)
    with pytest.raises(LeaseExpiredError):
        registry.renew(*KEY)
    again = await register(registry)
    assert again.created
    assert again.instance.registration.registered_at == first.instance.registration.registered_at + timedelta(
        seconds=10
    )


async def test_a_bad_registration_changes_nothing(registry: Registry, store: MemoryStore) -> None:
    """A refused registration neither reaches the disk nor touches the live instance of the same name."""
    first = await register(registry)
    with pytest.raises(InvalidRegistrationError):
        await register(registry, url="nowhere")
    assert registry.look_up("echo") == (first.instance,)
    assert store.writes == 1


async def test_leaving_is_immediate_and_may_be_repeated(registry: Registry, store: MemoryStore) -> None:
    """An instance that left is neither shown nor kept; leaving twice or unknown is no error."""
    await register(registry)
    assert await registry.leave(*KEY)
    with pytest.raises(ServiceNotFoundError):
        registry.look_up("echo")
    assert store.kept == {}
    assert not await registry.leave(*KEY)
    assert not await registry.leave("never", "seen")


async def test_the_expired_are_cleared_away(registry: Registry, store: MemoryStore, clock: FakeClock) -> None:
    """Expired instances are returned once and taken from the disk in one write."""
    await register(registry, "a")
    await register(registry, "b")
    await register(registry, "c", lease=timedelta(seconds=60))
    clock.advance(10)
    assert sorted(instance.registration.instance_id for instance in registry.expire()) == ["a", "b"]
    await registry.clear_away()
    assert set(store.kept) == {InstanceKey("echo", "c")}
    assert store.writes == 4
    assert registry.expire() == ()
    await registry.clear_away()
    assert store.writes == 4


async def test_leaving_after_expiry_clears_the_disk(registry: Registry, store: MemoryStore, clock: FakeClock) -> None:
    """An instance that says goodbye after its lease ran out does not stay on disk."""
    await register(registry)
    clock.advance(10)
    await registry.leave(*KEY)
    assert store.kept == {}


async def test_a_restart_gives_everyone_one_lease(registry: Registry, store: MemoryStore, clock: FakeClock) -> None:
    """A registry restarted on the same storage knows everyone, each for one lease from the restart on."""
    first = await register(registry, lease=timedelta(seconds=30))
    clock.advance(29)
    restarted = Registry(store, clock=clock)
    assert await restarted.restore() == 1
    (instance,) = restarted.look_up("echo")
    assert instance.registration == first.instance.registration
    assert instance.lease_expires_at == clock() + timedelta(seconds=30)
    assert restarted.renew(*KEY).lease_expires_at == clock() + timedelta(seconds=30)
    clock.advance(30)
    assert restarted.live() == {}


async def test_a_full_disk_refuses_the_new_and_loses_nothing(
    registry: Registry, store: MemoryStore, clock: FakeClock
) -> None:
    """With a full disk new and changed registrations are refused; the known ones are shown and renewed."""
    first = await register(registry)
    store.full = True
    with pytest.raises(StorageFullError):
        await register(registry, "b")
    with pytest.raises(StorageFullError):
        await register(registry, url="http://127.0.0.1:2")
    assert registry.look_up("echo") == (first.instance,)
    clock.advance(9)
    registry.renew(*KEY)
    assert not (await register(registry)).created
    clock.advance(9)
    assert len(registry.look_up("echo")) == 1


async def test_a_full_disk_keeps_nobody_who_left(registry: Registry, store: MemoryStore, clock: FakeClock) -> None:
    """With a full disk, leaving and expiring take effect at once and the disk is cleared when it has room again."""
    await register(registry, "a")
    await register(registry, "b")
    store.full = True
    with pytest.raises(StorageFullError):
        await registry.leave("echo", "a")
    assert [each.registration.instance_id for each in registry.look_up("echo")] == ["b"]
    clock.advance(10)
    assert len(registry.expire()) == 1
    with pytest.raises(StorageFullError):
        await registry.clear_away()
    assert registry.live() == {}
    store.full = False
    await registry.clear_away()
    assert store.kept == {}


async def test_an_instance_that_came_back_is_not_cleared_away(registry: Registry, store: MemoryStore) -> None:
    """A clean-up that was put off does not take an instance that registered again in the meantime."""
    await register(registry)
    store.full = True
    with pytest.raises(StorageFullError):
        await registry.leave(*KEY)
    store.full = False
    await register(registry)
    await registry.clear_away()
    assert set(store.kept) == {KEY}


async def test_simultaneous_changes_leave_memory_and_disk_alike(clock: FakeClock) -> None:
    """When one instance registers with many addresses at once, look-up and disk end with the same one."""
    store = LaterIsFasterStore()
    registry = Registry(store, clock=clock)
    await asyncio.gather(*(register(registry, url=f"http://127.0.0.1:{port}") for port in range(1, 21)))
    (instance,) = registry.look_up("echo")
    assert store.kept[KEY] == instance.registration


class LaterIsFasterStore(MemoryStore):
    """A disk on which writes that begin together end in the opposite order."""

    _turns = 20

    async def save(self, registration: Registration, notices: Sequence[Notice] = ()) -> None:
        self._turns -= 1
        for _ in range(self._turns):
            await asyncio.sleep(0)
        await super().save(registration, notices)
