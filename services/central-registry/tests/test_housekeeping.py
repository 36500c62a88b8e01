import asyncio
from datetime import timedelta

import pytest

from central_registry.domain import InvalidRegistrationError, Limits, Registry, StorageFullError
from central_registry.housekeeping import Housekeeper, OwnEntry
from central_registry.testing import FakeClock, MemoryStore
from maestro_core_logging.testing import capture_logs

OWN = OwnEntry("central-registry", "http://127.0.0.1:1", "1.0.0")
INTERVAL = timedelta(seconds=1)


async def register(registry: Registry, instance_id: str = "a") -> None:
    await registry.register("echo", instance_id, url="http://127.0.0.1:2", version="1.0.0")


async def test_the_expired_leave_memory_and_disk_and_are_logged(
    registry: Registry, store: MemoryStore, clock: FakeClock
) -> None:
    """A round takes expired instances out and writes a line that says who was not heard of."""
    await register(registry)
    clock.advance(10)
    with capture_logs() as lines:
        await Housekeeper(registry, own_entry=None, interval=INTERVAL).tidy()
    (line,) = [line for line in lines if line["event"] == "Lease expired"]
    assert (line["instance_of"], line["instance_id"], line["url"]) == ("echo", "a", "http://127.0.0.1:2")
    assert store.kept == {}


async def test_the_own_entry_stays_alive_without_writes(
    registry: Registry, store: MemoryStore, clock: FakeClock
) -> None:
    """The registry knows itself from the start and keeps its lease alive round by round, with one write in all."""
    housekeeper = Housekeeper(registry, own_entry=OWN, interval=INTERVAL)
    async with housekeeper.at_work():
        for _ in range(10):
            assert registry.look_up("central-registry")
            clock.advance(5)
            await housekeeper.tidy()
    assert store.writes == 1


async def test_the_own_entry_comes_back_after_a_stall(registry: Registry, clock: FakeClock) -> None:
    """When the process stood still for longer than its own lease, the next round brings it back."""
    housekeeper = Housekeeper(registry, own_entry=OWN, interval=INTERVAL)
    async with housekeeper.at_work():
        clock.advance(60)
        await housekeeper.tidy()
        assert registry.look_up("central-registry")


async def test_a_restarted_registry_replaces_its_entry(store: MemoryStore, clock: FakeClock) -> None:
    """A registry that comes back at another address is listed once, with the new one."""
    for url in ("http://127.0.0.1:1", "http://127.0.0.1:9"):
        registry = Registry(store, clock=clock)
        await registry.restore()
        async with Housekeeper(registry, own_entry=OwnEntry("central-registry", url, "1"), interval=INTERVAL).at_work():
            (instance,) = registry.look_up("central-registry")
            assert instance.registration.url == url


async def test_a_failing_disk_is_complained_of_once_per_outage(
    registry: Registry, store: MemoryStore, clock: FakeClock
) -> None:
    """Rounds go on through an outage of the disk, with one line for all of it, and clear up afterwards."""
    housekeeper = Housekeeper(registry, own_entry=None, interval=INTERVAL)
    with capture_logs() as lines:
        for instance_id in ("a", "b"):
            await register(registry, instance_id)
            clock.advance(10)
            store.full = True
            for _ in range(3):
                await housekeeper.tidy()
            store.full = False
            await housekeeper.tidy()
    assert [line["code"] for line in lines if line["level"] == "error"] == ["STORAGE_FULL"] * 2
    assert store.kept == {}


async def test_a_full_registry_does_not_end_the_rounds(store: MemoryStore, clock: FakeClock) -> None:
    """A registry that others have filled while it stood still clears up all the same, and takes itself in when there is room."""
    registry = Registry(store, clock=clock, limits=Limits(max_instances=2))
    housekeeper = Housekeeper(registry, own_entry=OWN, interval=INTERVAL)
    await housekeeper.tidy()
    await register(registry, "lost")
    clock.advance(10)
    registry.expire()
    with capture_logs() as lines:
        for _ in range(2):
            for instance_id in ("a", "b"):
                await register(registry, instance_id)
            await housekeeper.tidy()
    assert [line["code"] for line in lines if line["level"] == "error"] == ["REGISTRY_FULL"]
    assert {key.instance_id for key in store.kept} == {"a", "b"}
    await registry.leave("echo", "a")
    await housekeeper.tidy()
    assert registry.look_up("central-registry")


async def test_rounds_repeat_until_the_block_ends(registry: Registry, clock: FakeClock) -> None:
    """While the block runs, a round follows each rest of one interval; none comes after it."""
    rests: list[float] = []
    rested = asyncio.Event()

    async def rest(seconds: float) -> None:
        rests.append(seconds)
        clock.advance(4)
        if len(rests) == 10:
            rested.set()
        await asyncio.sleep(0)

    async with Housekeeper(registry, own_entry=OWN, interval=INTERVAL, sleep=rest).at_work():
        await rested.wait()
        assert registry.look_up("central-registry")
    done = len(rests)
    await asyncio.sleep(0)
    assert set(rests) == {1.0}
    assert len(rests) == done


async def test_a_registry_that_cannot_keep_itself_does_not_start(registry: Registry, store: MemoryStore) -> None:
    """An own address that breaks the rules, or a full disk, is an error at the start."""
    with pytest.raises(InvalidRegistrationError):
        async with Housekeeper(
            registry, own_entry=OwnEntry("central-registry", "here", "1"), interval=INTERVAL
        ).at_work():
            pass
    store.full = True
    with pytest.raises(StorageFullError):
        async with Housekeeper(registry, own_entry=OWN, interval=INTERVAL).at_work():
            pass
