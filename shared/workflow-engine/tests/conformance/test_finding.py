"""Finding runs: by their search attributes, by their status, a page at a time."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from maestro_workflow_engine import (
    RunFilter,
    RunStatus,
    StartOptions,
    between,
    continue_as_new,
    info,
    one_of,
    receive,
    replay,
    run_child,
    set_attributes,
    workflow,
)

pytestmark = pytest.mark.capability("attributes")

SOON = timedelta(seconds=30)


@workflow
async def order(what: str) -> str:
    return str(await receive("go")) if what == "wait" else what


@workflow
async def tagged(customer: str) -> str:
    set_attributes(stage="begun", tries=1)
    await receive("go")
    set_attributes(stage="done", tries=None)
    return customer


async def test_attributes_are_shown_and_found(place):
    """Those of the start and those that the code sets; by value, by several, with version, status and id."""
    async with place.engine(workflows=[tagged, order]) as engine:
        options = StartOptions(attributes={"customer": "x' y", "tags": ["a", "b"]})
        handle = await engine.start(tagged, "x", id="tagged-1", options=options)
        await engine.start(order, "wait", id="other")

        async def ids(**wanted: object) -> list[str]:
            return sorted(run.id for run in (await engine.runs(**wanted)).runs)

        async def is_found() -> bool:
            return await ids(attributes={"stage": "begun", "tries": 1.0}) == ["tagged-1"]

        await place.until(is_found)
        assert await ids(attributes={"customer": "x' y", "tags": "b"}, version="1.0.0", id_prefix="tag") == ["tagged-1"]
        assert await ids(attributes={"stage": one_of("done", "begun")}, workflow="tagged") == ["tagged-1"]
        assert await ids(attributes={"tries": True}) == []
        assert (await handle.status()).attributes == {
            "customer": "x' y", "tags": ["a", "b"], "stage": "begun", "tries": 1,
        }  # fmt: skip
        await handle.signal("go")
        await handle.result(SOON)
        assert (await handle.status()).attributes == {"customer": "x' y", "tags": ["a", "b"], "stage": "done"}
        assert [e.data["attributes"] for e in await handle.history() if e.type == "attributes_set"] == [
            {"stage": "begun", "tries": 1}, {"stage": "done", "tries": None},
        ]  # fmt: skip

        async def has_ended() -> bool:
            return await engine.count(status=RunStatus.COMPLETED, attributes={"stage": "done"}) == 1

        await place.until(has_ended)
        assert await engine.count(status="running") == 1


async def test_attributes_are_carried_into_the_next_pass(place):
    """`continue_as_new` takes them along, those included that were set in the same breath."""

    @workflow
    async def passes(number: int) -> dict[str, object]:
        set_attributes(**{f"pass{number}": True})
        if number < 2:
            continue_as_new(number + 1)
        return dict(info().attributes)

    async with place.engine(workflows=[passes]) as engine:
        handle = await engine.start(passes, 0, id="r", options=StartOptions(attributes={"customer": "acme"}))
        all_of_them = {"customer": "acme", "pass0": True, "pass1": True, "pass2": True}
        assert await handle.result(SOON) == all_of_them
        assert (await handle.status()).attributes == all_of_them
        assert [event.type for event in await handle.history()].count("attributes_set") == 1
        assert replay(await handle.export_history(), passes).status is RunStatus.COMPLETED

        async def is_found() -> bool:
            return await engine.count(attributes={"pass0": True, "customer": "acme"}, status="completed") == 1

        await place.until(is_found)


@pytest.mark.capability("ranges")
async def test_runs_are_found_by_a_range(place):
    """Between two values, both included."""
    async with place.engine(workflows=[order]) as engine:
        for size in range(4):
            await engine.start(order, "wait", id=f"r{size}", options=StartOptions(attributes={"size": size}))
        assert {run.id for run in (await engine.runs(attributes={"size": between(1, 2)})).runs} == {"r1", "r2"}


@pytest.mark.capability("listing")
async def test_pages_hold_each_run_once(place):
    """A cursor goes on where the page ended, and belongs to its filter."""
    async with place.engine(workflows=[order, tagged]) as engine:
        for number in range(7):
            await (await engine.start(order, "a", id=f"r{number}")).result(SOON)
        await engine.start(tagged, "x", id="other")

        async def all_listed() -> bool:
            return await engine.count(status="completed") == 7 and await engine.count() == 8

        await place.until(all_listed)
        seen, cursor = list[str](), None
        while True:
            page = await engine.runs(workflow="order", limit=3, cursor=cursor)
            seen += [run.id for run in page.runs]
            cursor = page.next_cursor
            if cursor is None:
                break
        assert seen == [f"r{number}" for number in reversed(range(7))]
        assert [run.id for run in (await engine.runs(status="running")).runs] == ["other"]
        first = await engine.runs(status="completed", limit=3)
        for wrong in ({"status": "completed", "cursor": "x"}, {"cursor": first.next_cursor}):
            with pytest.raises(ValueError, match="cursor"):
                await engine.runs(**wrong)


@pytest.mark.capability("listing")
async def test_a_filter_finds_what_meets_every_criterion(place):
    """By status, workflow, version, beginning of the id, parent and times; several at once; counts agree."""

    @workflow(name="order", version="2.0.0")
    async def newer(what: str) -> str:
        return str(await receive("go"))

    @workflow
    async def parent() -> str:
        return await run_child("order:2.0.0", "wait", id="c1")

    async with place.engine(workflows=[order, newer, parent]) as engine:
        await (await engine.start("order:1.0.0", "a", id="a1")).result(SOON)
        ended = (await engine.handle("a1").status()).finished_at
        assert ended is not None
        after = ended + timedelta(milliseconds=1)
        while datetime.now(UTC) <= after:
            await asyncio.sleep(0.001)
        await engine.start("order:1.0.0", "wait", id="a2")
        await engine.start(newer, "wait", id="b1")
        await engine.start(parent, id="p")
        await place.begun(engine, "c1")

        async def all_listed() -> bool:
            return await engine.count() == 5 and await engine.count(status="completed") == 1

        await place.until(all_listed)
        cases: list[tuple[dict[str, Any], str]] = [
            ({}, "a1 a2 b1 c1 p"),
            ({"status": "running"}, "a2 b1 c1 p"),
            ({"status": ["running", "paused", "queued"], "workflow": "order"}, "a2 b1 c1"),
            ({"status": "completed"}, "a1"),
            ({"status": ["failed", RunStatus.COMPLETED]}, "a1"),
            ({"workflow": "order"}, "a1 a2 b1 c1"),
            ({"version": "2.0.0"}, "b1 c1"),
            ({"version": "1.0.0", "workflow": "order"}, "a1 a2"),
            ({"id_prefix": "a"}, "a1 a2"),
            ({"id_prefix": "b1"}, "b1"),
            ({"parent": "p"}, "c1"),
            ({"parent": "a1"}, ""),
            ({"created_after": after}, "a2 b1 c1 p"),
            ({"created_before": after}, "a1"),
            ({"finished_before": after}, "a1"),
            ({"finished_after": after}, ""),
        ]
        for criteria, found in cases:
            wanted = RunFilter(**criteria)
            assert sorted(run.id for run in (await engine.runs(wanted)).runs) == found.split(), criteria
            assert await engine.count(wanted) == await engine.count(**criteria) == len(found.split()), criteria


@pytest.mark.capability("listing")
async def test_pages_show_every_run_once_while_runs_are_added(place):
    """Of those that were there at first none is shown twice and none is left out."""
    async with place.engine(workflows=[order]) as engine:
        first = [f"r{number}" for number in range(7)]
        for run_id in first:
            await engine.start(order, "wait", id=run_id)

        async def all_listed() -> bool:
            return await engine.count() == 7

        await place.until(all_listed)
        seen, cursor = list[str](), None
        for added in range(20):
            page = await engine.runs(status=["running", "completed"], limit=2, cursor=cursor)
            seen += [run.id for run in page.runs]
            cursor = page.next_cursor
            if cursor is None:
                break
            if added < 3:
                await engine.start(order, "wait", id=f"late{added}")
        assert len(seen) == len(set(seen))
        assert [run_id for run_id in seen if run_id in first] == first[::-1]


@pytest.mark.capability("listing-by-state")
async def test_what_is_paused_is_listed(place):
    """A paused run is none that is running."""
    async with place.engine(workflows=[order]) as engine:
        await engine.start(order, "wait", id="runs")
        await (await engine.start(order, "wait", id="rests")).pause()
        assert [run.id for run in (await engine.runs(status="paused")).runs] == ["rests"]


@pytest.mark.capability("listing-by-state")
async def test_the_oldest_come_first_when_asked(place):
    """The other way round than by default."""
    async with place.engine(workflows=[order]) as engine:
        for number in range(3):
            await engine.start(order, "wait", id=f"r{number}")
        assert [run.id for run in (await engine.runs(order="oldest")).runs] == ["r0", "r1", "r2"]
