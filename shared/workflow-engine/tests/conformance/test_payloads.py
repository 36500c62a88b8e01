"""Payloads that are encrypted, and large ones that are kept elsewhere."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from maestro_workflow_engine import (
    AesGcmCodec,
    RetryPolicy,
    WorkflowFailedError,
    continue_as_new,
    heartbeat,
    last_heartbeat,
    on_update,
    publish,
    receive,
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
