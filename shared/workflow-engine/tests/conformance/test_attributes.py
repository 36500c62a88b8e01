"""Search attributes over the life of a run: of every kind, in forks and retries, and the limits of filters."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from maestro_workflow_engine import (
    RunFilter,
    StartOptions,
    WorkflowFailedError,
    info,
    receive,
    replay,
    set_attributes,
    step,
    workflow,
)

pytestmark = pytest.mark.capability("attributes")

SOON = timedelta(seconds=30)
DUE = datetime(2030, 5, 1, 12, 0, 0, 250, tzinfo=UTC)
EVERYTHING: dict[str, Any] = {"s": "x", "i": 2**62, "f": 1.0, "b": True, "t": DUE, "k": ["one", "two", "one"]}
held = asyncio.Event()
broken: list[bool] = []


@pytest.fixture(autouse=True)
def _fresh():
    global held  # noqa: PLW0603  an event belongs to the loop that it is first awaited in
    held = asyncio.Event()
    broken[:] = [True]


@step
async def work(name: str) -> str:
    if name == "held":
        await held.wait()
    if name == "fragile" and broken:
        raise OSError("down")
    return name


@workflow
async def compares() -> bool:
    await receive("go")
    return dict(info().attributes) == EVERYTHING


@workflow
async def stages(second: str) -> None:
    set_attributes(stage=1)
    await work("a")
    set_attributes(stage=2)
    await work(second)
    set_attributes(stage=3)
    await receive("end")


@workflow
async def recovers() -> None:
    set_attributes(state="working")
    try:
        await work("fragile")
    except OSError:
        set_attributes(state="failed", why="down")
        raise
    await receive("end")


async def test_values_of_every_kind_come_back_as_they_were(place):
    """From the start options into the workflow, the status and listings; types are kept, over a restart, too."""
    found: list[dict[str, Any]] = []

    async def look(engine: Any) -> None:
        async def is_listed() -> bool:
            return await engine.count() == 1

        await place.until(is_listed)
        found.append((await engine.handle("r").status()).attributes)
        found.append((await engine.runs()).runs[0].attributes)

    async with place.engine(workflows=[compares]) as engine:
        await engine.start(compares, id="r", options=StartOptions(attributes=EVERYTHING))
        await engine.start(compares, id="r", options=StartOptions(attributes={"s": "the same run: nothing changes"}))
        await place.begun(engine, "r")
        await look(engine)
    async with place.engine(workflows=[compares]) as engine:
        await look(engine)
        await engine.handle("r").signal("go")
        assert await engine.handle("r").result(SOON) is True
    for attributes in found:
        assert {name: (type(value), value) for name, value in attributes.items()} == {
            name: (type(value), value) for name, value in EVERYTHING.items()
        }


async def test_a_fork_has_what_its_original_had_at_that_point(place):
    """What the original set later is not among it."""
    async with place.engine(workflows=[stages]) as engine:
        held.set()
        handle = await engine.start(stages, "held", id="r", options=StartOptions(attributes={"customer": "acme"}))

        async def is_at(run_id: str, stage: int) -> bool:
            return (await engine.handle(run_id).status()).attributes == {"customer": "acme", "stage": stage}

        await place.until(lambda: is_at("r", 3))
        held.clear()
        await engine.fork("r", step=2, id="f")
        await place.until(lambda: is_at("f", 2))

        async def found(stage: int) -> list[str]:
            return [run.id for run in (await engine.runs(attributes={"stage": stage, "customer": "acme"})).runs]

        async def are_found() -> bool:
            return await found(2) == ["f"] and await found(3) == ["r"]

        await place.until(are_found)
        held.set()
        await place.until(lambda: is_at("f", 3))
        for run_id in ("r", "f"):
            await engine.handle(run_id).signal("end")
            await engine.handle(run_id).result(SOON)
        assert replay(await handle.export_history(), stages).status == "completed"


@pytest.mark.capability("redriving")
async def test_a_retried_run_loses_what_it_set_after_its_failed_step(place):
    """What a redrive drops from the history is dropped from the attributes with it."""
    async with place.engine(workflows=[recovers]) as engine:
        handle = await engine.start(recovers, id="r")
        with pytest.raises(WorkflowFailedError):
            await handle.result(SOON)
        assert (await handle.status()).attributes == {"state": "failed", "why": "down"}
        broken.clear()
        await handle.retry()
        assert (await handle.status()).attributes == {"state": "working"}

        async def is_found_by_what_it_has() -> bool:
            found = await engine.runs(status="running", attributes={"state": "working"})
            return [run.id for run in found.runs] == ["r"]

        await place.until(is_found_by_what_it_has)
        assert (await engine.runs(status="running", attributes={"why": "down"})).runs == []


@pytest.mark.capability("listing")
async def test_a_criterion_that_is_none_is_refused(place):
    """Before anything is read, with what is wrong."""
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"status": "asleep"}, "asleep"),
        ({"status": []}, "names none"),
        ({"limit": 0}, "limit"),
        ({"order": "random"}, "random"),
        ({"created_after": datetime(2030, 1, 1)}, "time zone"),  # noqa: DTZ001  the point
        ({"workflow": ""}, "workflow must be"),
        ({"attributes": {"a": ["x", "y"]}}, "one_of"),
        ({"attributes": {"a b": 1}}, "letters, digits"),
        ({"attributes": {"a": {}}}, "dict is none of"),
    ]
    async with place.engine(workflows=[]) as engine:
        for criteria, why in wrong:
            with pytest.raises(ValueError, match=why):
                await engine.runs(**criteria)
        with pytest.raises(ValueError, match="not both"):
            await engine.runs(RunFilter(), status="running")
