"""Children by handle: started, awaited, signalled, cancelled, and what becomes of them when their parent closes."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from maestro_workflow_engine import (
    NonRetryableError,
    ParentClose,
    RunStatus,
    WorkflowEngine,
    continue_as_new,
    receive,
    start_child,
    step,
    workflow,
)

SOON = timedelta(seconds=20)
cleaned: list[str] = []


@pytest.fixture(autouse=True)
def _fresh():
    cleaned.clear()


@step
async def clean(what: str) -> None:
    cleaned.append(what)


@step
async def fails() -> None:
    raise NonRetryableError("no")


@workflow
async def waits(name: str = "w") -> str:
    try:
        return f"{name} got {await receive('go')}"
    finally:
        await clean(name)


@workflow
async def quick(n: int) -> int:
    return n * n


@workflow
async def broken() -> None:
    raise ValueError("broken")


@workflow
async def holds(policy: str, end: str) -> str:
    """A parent with one child that waits, which ends in one way or another."""
    if policy != "none":
        await start_child(waits, "child", id="child", on_parent_close=ParentClose(policy))
    if end == "fail":
        await fails()
    if end == "return":
        return "returned"
    if end == "again":
        continue_as_new("none", "wait")
    return str(await receive("never"))


WORKFLOWS = [waits, quick, broken, holds]


def opened(folder: Path | None = None, *more) -> WorkflowEngine:
    return WorkflowEngine(f"sqlite:///{folder}/journal.db" if folder else "sqlite://", workflows=[*WORKFLOWS, *more])


async def types(engine: WorkflowEngine, run_id: str) -> list[str]:
    return [event.type for event in await engine.handle(run_id).history()]


async def ended(engine: WorkflowEngine, run_id: str) -> RunStatus:
    """Wait until a run has ended, in whatever way."""
    async for _ in engine.watch(run_id):
        pass
    return (await engine.handle(run_id).status()).status


async def reached(engine: WorkflowEngine, run_id: str, kind: str, name: str) -> None:
    """Wait until a run waits for something."""
    async with asyncio.timeout(20):
        while not any((w.kind, w.name) == (kind, name) for w in (await engine.handle(run_id).status()).waiting_for):
            await asyncio.sleep(0.002)


async def _exists(engine: WorkflowEngine, run_id: str) -> None:
    async with asyncio.timeout(20):
        while run_id not in {run.id for run in (await engine.runs()).runs}:
            await asyncio.sleep(0.002)


async def test_large_inputs_and_signals_of_children_keep_their_order_through_the_payload_store(tmp_path: Path):
    """What waits for the store is not overtaken by the end of the parent that asked for it."""
    large = "x" * 5000

    @workflow
    async def parent() -> None:
        child = await start_child(waits, large, id="child", on_parent_close=ParentClose.ABANDON)
        await child.signal("go", large)

    async with WorkflowEngine(
        f"sqlite:///{tmp_path}/journal.db",
        workflows=[parent, waits],
        payload_store=f"file://{tmp_path}/store",
        payload_limit_bytes=1000,
    ) as engine:
        await (await engine.start(parent, id="p")).result(SOON)
        assert await engine.handle("child").result(SOON) == f"{large} got {large}"
