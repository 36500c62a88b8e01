"""Plain asyncio through the runner: order, chance, time, generators, clean-up, versions and patches survive a restart."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from maestro_workflow_engine import (
    RunStatus,
    WorkflowCancelledError,
    WorkflowEngine,
    WorkflowHandle,
    info,
    now,
    on_update,
    patched,
    publish,
    random,
    receive,
    step,
    uuid4,
    workflow,
)

pytestmark = pytest.mark.capability("asyncio")

SOON = timedelta(seconds=20)
ran: list[str] = []


@pytest.fixture(autouse=True)
def _fresh():
    ran.clear()


@step
async def work(name: str) -> str:
    ran.append(name)
    return name


async def _waiting(handle: WorkflowHandle) -> None:
    while not any(wait.kind == "signal" for wait in (await handle.status()).waiting_for):
        await asyncio.sleep(0.005)


@workflow
async def fan() -> list[object]:
    seen: list[object] = [
        random().random(),
        str(uuid4()),
        now().isoformat(),
        asyncio.current_task() in asyncio.all_tasks(),
    ]
    seen.extend([await each for each in asyncio.as_completed([work(f"c{n}") for n in range(20)])])
    gathers = [asyncio.gather(work(f"a{n}"), work(f"b{n}")) for n in range(10)]
    done, _ = await asyncio.wait(gathers)
    seen.extend([await work(f"after {each.result()}") for each in done])
    publish("seen", seen)
    await receive("go")
    return [*seen, random().random(), str(uuid4())]


@pytest.mark.capability("restarts")
async def test_a_restart_takes_every_fan_out_the_same_way(place):
    """as_completed over coroutines, sets of gathers, chance and time are replayed as they were; no step runs again."""
    async with place.engine(workflows=[fan]) as engine:
        handle = await engine.start(fan, id="r")
        await _waiting(handle)
        seen = await handle.query("seen")
    assert len(ran) == len(set(ran)) == 50
    async with place.engine(workflows=[fan]) as engine:
        handle = engine.handle("r")
        assert await handle.query("seen") == seen
        await handle.signal("go")
        result = await handle.result(SOON)
        assert result[: len(seen)] == seen
        assert result[-2:] != seen[:2]
        assert (await handle.status()).problem is None
    assert len(ran) == 50


async def _pages(label: str) -> AsyncIterator[str]:
    try:
        while True:
            yield await work(f"page of {label}")
    finally:
        await work(f"close {label}")


async def test_generators_left_half_way_are_closed_before_the_run_ends(place):
    """Their clean-up steps run once, at the workflow's end, whether or not the engine was restarted meanwhile."""

    @workflow
    async def first_pages() -> list[str]:
        found = []
        for label in "ab":
            async for page in _pages(label):
                found.append(page)
                break
        await receive("go")
        return found

    async with place.engine(workflows=[first_pages]) as engine:
        await _waiting(await engine.start(first_pages, id="r"))
    assert ran == ["page of a", "page of b"]
    async with place.engine(workflows=[first_pages]) as engine:
        handle = engine.handle("r")
        await handle.signal("go")
        assert await handle.result(SOON) == ["page of a", "page of b"]
    assert sorted(ran[2:]) == ["close a", "close b"]


async def test_asking_twice_does_not_disturb_the_clean_up(place):
    """A second request changes nothing: clean-up steps end in peace. Whoever cannot wait terminates the run."""
    began, go_on = asyncio.Event(), asyncio.Event()

    @step
    async def slow_clean_up() -> None:
        began.set()
        await go_on.wait()

    @workflow
    async def tidy() -> None:
        try:
            await receive("never")
        finally:
            await slow_clean_up()
            await work("tidied up")

    async with place.engine(workflows=[tidy]) as engine:
        handle = await engine.start(tidy)
        await _waiting(handle)
        await handle.cancel()
        await asyncio.wait_for(began.wait(), 20)
        await handle.cancel("again")
        go_on.set()
        with pytest.raises(WorkflowCancelledError):
            await handle.result(SOON)
        assert (await handle.status()).status is RunStatus.CANCELLED
    assert ran == ["tidied up"]


@pytest.mark.capability("versions")
async def test_old_runs_finish_on_the_version_they_started_with(place):
    """After a deployment the old run goes on with old code, a new one starts on the new."""

    @workflow(name="flow", version="1.0.0")
    async def old() -> str:
        await work("old")
        await receive("go")
        return f"old {info().version}"

    @workflow(name="flow", version="2.0.0")
    async def new() -> str:
        await work("new")
        return f"new {info().version}"

    async with place.engine(workflows=[old]) as engine:
        await _waiting(await engine.start("flow", id="r"))
    async with place.engine(workflows=[old, new]) as engine:
        assert await (await engine.start("flow")).result(SOON) == "new 2.0.0"
        handle = engine.handle("r")
        await handle.signal("go")
        assert await handle.result(SOON) == "old 1.0.0"
    assert ran == ["old", "new"]


@pytest.mark.capability("versions")
async def test_a_patched_workflow_serves_runs_from_before_and_after_the_change(place):
    """A run that passed the place before the deployment stays on the old side, later ones on the new, over restarts."""

    @workflow(name="flow")
    async def before() -> str:
        await work("a")
        await receive("go")
        return "old"

    @workflow(name="flow")
    async def after() -> str:
        side = "new" if patched("change") else "old"
        await work("b" if side == "new" else "a")
        await receive("go")
        return side

    async with place.engine(workflows=[before]) as engine:
        await _waiting(await engine.start("flow", id="old"))
    async with place.engine(workflows=[after]) as engine:
        await _waiting(await engine.start("flow", id="new"))
    async with place.engine(workflows=[after]) as engine:
        for id_ in ("old", "new"):
            await engine.handle(id_).signal("go")
            assert await engine.handle(id_).result(SOON) == id_
    assert ran == ["a", "b"]


async def test_a_sleep_of_fifty_years_survives_as_a_number(place):
    """Years of virtual time pass at once; a sleep without end waits until the run is cancelled."""

    @workflow
    async def patient() -> int:
        began = now()
        await asyncio.sleep(timedelta(days=365 * 50).total_seconds())
        return (now() - began).days

    @workflow
    async def for_ever() -> None:
        await asyncio.sleep(float("inf"))

    async with WorkflowEngine.test([patient, for_ever]) as engine:
        assert await (await engine.start(patient)).result() == 365 * 50
    async with place.engine(workflows=[for_ever]) as engine:
        handle = await engine.start(for_ever)
        while not (await handle.status()).waiting_for:
            await asyncio.sleep(0.005)
        await handle.cancel()
        with pytest.raises(WorkflowCancelledError):
            await handle.result(SOON)


async def test_handlers_of_updates_log_and_think_as_their_workflow(place):
    """Validators run inside the workflow, where now() and info() work; what they raise is the caller's answer."""

    @workflow
    async def door() -> None:
        def validate(name: str) -> None:
            if name != info().run_id:
                raise ValueError(f"{name} at {now().year}")

        async def enter(name: str) -> str:
            return await work(name)

        on_update("enter", enter, validate=validate, type=str)
        await receive("close")

    async with place.engine(workflows=[door]) as engine:
        handle = await engine.start(door, id="d")
        assert await handle.update("enter", "d", timeout=SOON) == "d"
        with pytest.raises(ValueError, match="thief at 20"):
            await handle.update("enter", "thief", timeout=SOON)
