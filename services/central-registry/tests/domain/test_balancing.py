from dataclasses import replace
from datetime import timedelta

import pytest

from central_registry.domain import Balancing, Hint, Instance, Registry, Selection, ServiceNotFoundError
from central_registry.testing import FakeClock

BALANCING = Balancing(slow_start=timedelta(seconds=20))


async def one(registry: Registry, instance_id: str = "a", **options: object) -> Instance:
    options = {"url": "http://127.0.0.1:1", "version": "1.2.0", "lease": timedelta(seconds=300), **options}
    return (await registry.register("echo", instance_id, **options)).instance  # type: ignore[arg-type]


@pytest.mark.parametrize(("age_s", "weight"), [(0, 10), (1, 10), (2, 10), (10, 50), (19, 95), (20, 100), (500, 100)])
async def test_a_new_instance_starts_slowly(registry: Registry, clock: FakeClock, age_s: int, weight: int) -> None:
    """The weight grows from a tenth to all of it over the slow start."""
    instance = await one(registry)
    clock.advance(age_s)
    assert BALANCING.hint(instance, clock()) == Hint(weight, 0)


async def test_without_slow_start_everyone_is_whole(registry: Registry, clock: FakeClock) -> None:
    """With a slow start of zero an instance has its whole weight at once."""
    for age in (timedelta(0), timedelta(seconds=-1), timedelta(seconds=1)):
        assert Balancing(slow_start=timedelta(0)).hint(await one(registry), clock() + age).weight == 100


async def test_doubt_halves_and_recovery_starts_slowly(registry: Registry, clock: FakeClock) -> None:
    """An instance whose last probe failed gets half; one that is healthy again starts as a new one does."""
    instance = await one(registry)
    clock.advance(60)
    doubtful = replace(instance, health=replace(instance.health, against=1))
    recovered = replace(instance, health=replace(instance.health, since=clock() - timedelta(seconds=10)))
    assert BALANCING.hint(doubtful, clock()).weight == 50
    assert BALANCING.hint(recovered, clock()).weight == 50


async def test_the_callers_zone_comes_first(registry: Registry, clock: FakeClock) -> None:
    """Instances of another zone, or of none, come after those of the caller's; without a zone all are alike."""
    here, there = await one(registry, "a", zone="eu-1"), await one(registry, "b", zone="eu-2")
    nowhere = await one(registry, "c")
    assert [BALANCING.hint(each, clock(), "eu-1").priority for each in (here, there, nowhere)] == [0, 1, 1]
    assert [BALANCING.hint(each, clock()).priority for each in (here, there, nowhere)] == [0, 0, 0]


@pytest.mark.parametrize(
    ("selection", "found"),
    [
        (Selection(), "abc"),
        (Selection(zone="eu-1"), "ab"),
        (Selection(tags=frozenset({"blue"})), "ac"),
        (Selection(tags=frozenset({"blue", "canary"})), "c"),
        (Selection(version="1"), "ab"),
        (Selection(version="1.2"), "a"),
        (Selection(version="1.20.1"), "b"),
        (Selection(version="2.0.0"), "c"),
        (Selection(zone="eu-1", tags=frozenset({"blue"}), version="1.2.0"), "a"),
    ],
)
async def test_instances_are_chosen_by_what_they_have(registry: Registry, selection: Selection, found: str) -> None:
    """Zone, tags and the beginning of the version choose; everything that is given must hold."""
    await one(registry, "a", zone="eu-1", tags=["blue"], version="1.2.0")
    await one(registry, "b", zone="eu-1", version="1.20.1")
    await one(registry, "c", zone="eu-2", tags=["blue", "canary"], version="2.0.0-rc1+7")
    assert "".join(each.key.instance_id for each in registry.look_up("echo", selection)) == found


async def test_a_choice_in_vain_says_what_there_is(registry: Registry) -> None:
    """When live instances are not of the kind that was asked for, the error names the kind and how many others there are."""
    await one(registry, "a", zone="eu-1")
    with pytest.raises(ServiceNotFoundError) as caught:
        registry.look_up("echo", Selection(zone="eu-9", tags=frozenset({"x"}), version="3"))
    assert str(caught.value) == (
        "no live instance of 'echo' with zone eu-9, tag x, version 3; it has 1 of another kind"
    )
