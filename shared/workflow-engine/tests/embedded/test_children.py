"""Children whose payloads go to a store; whatever else they do is in `conformance/test_children.py`."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from maestro_workflow_engine import (
    ParentClose,
    WorkflowEngine,
    receive,
    start_child,
    step,
    workflow,
)

SOON = timedelta(seconds=20)


@step
async def clean(what: str) -> None:
    """Stand for what a run does at its end."""


@workflow
async def waits(name: str = "w") -> str:
    try:
        return f"{name} got {await receive('go')}"
    finally:
        await clean(name)


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
