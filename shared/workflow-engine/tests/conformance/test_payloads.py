"""Payloads that are encrypted, and large ones that are kept elsewhere."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from maestro_workflow_engine import (
    AesGcmCodec,
    ParentClose,
    RetryPolicy,
    StartOptions,
    WorkflowEngine,
    WorkflowFailedError,
    continue_as_new,
    heartbeat,
    last_heartbeat,
    on_update,
    publish,
    receive,
    set_attributes,
    start_child,
    step,
    step_info,
    workflow,
)

SOON = timedelta(seconds=30)
LARGE = "x" * 5000


@step(retry=RetryPolicy(max_attempts=2, initial_interval=timedelta(milliseconds=1)))
async def grow(text: str) -> str:
    if step_info().attempt == 1:
        heartbeat(text[:100])
        raise OSError(text)
    assert last_heartbeat() == text[:100]
    return text * 2


@workflow
async def child(text: str) -> str:
    return await grow(text)


@workflow
async def everything(text: str, *, again: bool = True) -> list[str]:
    async def twice(value: str) -> str:
        return value * 2

    if again:
        continue_as_new(text, again=False)
    on_update("twice", twice, type=str)
    publish("text", text)
    said = str(await receive("said"))
    return [said, await child(text)]


@workflow
async def fails(text: str) -> None:
    raise ValueError(text)


def with_key(_: Path) -> dict[str, Any]:
    return {"codec": AesGcmCodec({"k": b"k" * 32}, active="k")}


def with_store(folder: Path) -> dict[str, Any]:
    return {"payload_store": f"file://{folder}/store", "payload_limit_bytes": 1000}


def with_both(folder: Path) -> dict[str, Any]:
    return with_key(folder) | with_store(folder)


@pytest.mark.parametrize(
    "options",
    [
        pytest.param(with_key, marks=pytest.mark.capability("encryption")),
        pytest.param(with_store, marks=pytest.mark.capability("payload-store")),
        pytest.param(with_both, marks=pytest.mark.capability("payload-store")),
    ],
)
async def test_every_kind_of_payload_comes_back_as_it_was(place, tmp_path: Path, options):
    """Inputs, signals, queries, updates, heartbeats, results, passes, children and failures, over a restart."""
    engine_options = {"workflows": [everything, child, fails], **options(tmp_path)}
    async with place.engine(**engine_options) as engine:
        handle = await engine.start(everything, LARGE, id="r")

        async def is_published() -> bool:
            return any(wait.kind == "signal" for wait in (await handle.status()).waiting_for)

        await place.until(is_published)
        assert await handle.query("text") == LARGE
        assert await handle.update("twice", LARGE, timeout=SOON) == LARGE * 2
    async with place.engine(**engine_options) as engine:
        handle = engine.handle("r")
        assert await handle.query("text") == LARGE
        await handle.signal("said", LARGE)
        assert await handle.result(SOON) == [LARGE, LARGE * 2]
        failed = await engine.start(fails, LARGE)
        with pytest.raises(WorkflowFailedError) as caught:
            await failed.result(SOON)
        assert caught.value.failure.message == LARGE


@workflow
async def outlives(text: str) -> str:
    return f"{text} got {await receive('go')}"


@workflow
async def leaves(text: str) -> None:
    kept = await start_child(outlives, text, id="child", on_parent_close=ParentClose.ABANDON)
    await kept.signal("go", text)


@pytest.mark.capability("payload-store")
async def test_large_inputs_and_signals_of_children_keep_their_order(place, tmp_path: Path):
    """What waits for the store is not overtaken by the end of the parent that asked for it."""
    async with place.engine(workflows=[leaves, outlives], **with_store(tmp_path)) as engine:
        await (await engine.start(leaves, LARGE, id="p")).result(SOON)
        assert await engine.handle("child").result(SOON) == f"{LARGE} got {LARGE}"


@workflow
async def tagged(text: str) -> None:
    set_attributes(stage="new")
    await receive("said")


@pytest.mark.capability("encryption")
async def test_attributes_can_be_looked_for_though_payloads_are_encrypted(place, tmp_path: Path):
    """Payloads are sealed, attributes are not, or nothing could be found by them; so after a restart."""
    options = StartOptions(attributes={"customer": '{"$maestro.enc":1'})
    async with place.engine(workflows=[tagged], **with_key(tmp_path)) as engine:
        await engine.start(tagged, "secret", id="r", options=options)
        await place.begun(engine, "r")
    async with place.engine(workflows=[tagged], **with_key(tmp_path)) as engine:
        found = {"customer": '{"$maestro.enc":1', "stage": "new"}

        async def is_found() -> bool:
            return [run.id for run in (await engine.runs(attributes=found)).runs] == ["r"]

        await place.until(is_found)
        assert (await engine.handle("r").status()).attributes == found


@step
async def passes_once_mended(text: str) -> str:
    if BROKEN:
        raise OSError(text)
    return text * 2


@workflow
async def redone(text: str) -> list[str]:
    first = await grow(text)
    return [first, await passes_once_mended(text)]


BROKEN: list[bool] = []


@pytest.mark.parametrize(
    "options",
    [
        pytest.param(with_key, marks=pytest.mark.capability("encryption")),
        pytest.param(with_both, marks=pytest.mark.capability("payload-store")),
    ],
)
async def test_a_run_is_forked_retried_and_taken_over_with_its_payloads(place, tmp_path: Path, options):
    """What is taken over is readable under the new id, and by the other engine."""
    BROKEN[:] = [True]
    async with place.engine(workflows=[redone], **options(tmp_path)) as engine:
        handle = await engine.start(redone, LARGE, id="r")
        with pytest.raises(WorkflowFailedError):
            await handle.result(SOON)
        BROKEN.clear()
        fork = await engine.fork("r", step=2, id="f")
        await handle.retry()
        for run in (fork, handle):
            assert await run.result(SOON) == [LARGE * 2, LARGE * 2]
    async with WorkflowEngine("sqlite://", workflows=[everything, child]) as engine:
        await engine.start(everything, LARGE, again=False, id="moved")
        while not (await engine.handle("moved").status()).waiting_for:
            await asyncio.sleep(0.001)
        document = await engine.handle("moved").export_history()
    async with place.engine(workflows=[everything, child], **options(tmp_path)) as engine:
        moved = await engine.import_run(document)
        await moved.signal("said", LARGE)
        assert await moved.result(SOON) == [LARGE, LARGE * 2]
