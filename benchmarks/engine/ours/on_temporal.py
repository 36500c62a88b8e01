"""What a run weighs on a Temporal cluster: the events and bytes of its history there, for sizing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.engine._figures import Row
from benchmarks.engine._workload import STEPS
from benchmarks.engine.peers._temporal_server import temporal_server
from benchmarks.engine.peers.maestro import three_steps
from temporalio.client import Client

from maestro_workflow_engine import WorkflowEngine


async def measure(folder: Path) -> dict[str, Any]:
    """Take one three-step run through a cluster in each way to run steps.

    Returns:
        For `regular` and `local` steps: `events` and `bytes` of the run's history, payloads of a few bytes included.
    """
    async with temporal_server(folder) as address:
        return {
            "regular": await _weighed(address, "regular", ""),
            "local": await _weighed(address, "local", "&local_steps=add"),
        }


async def _weighed(address: str, name: str, options: str) -> dict[str, int]:
    url = f"temporal://{address}/default?task_queue={name}{options}"
    async with WorkflowEngine(url, workflows=[three_steps]) as engine:
        if await (await engine.start(three_steps, 1, id=name)).result() != 1 + STEPS:
            raise AssertionError("three steps add three")
    history = await (await Client.connect(address)).get_workflow_handle(name).fetch_history()
    return {"events": len(history.events), "bytes": sum(event.ByteSize() for event in history.events)}


def rows(figures: dict[str, Any]) -> list[Row]:
    """Return the lines of the report."""
    return [
        Row(
            f"on a cluster, {way} steps: history of one 3-step run",
            f"{figures[way]['events']} events, {figures[way]['bytes']:,} bytes",
        )
        for way in ("regular", "local")
    ]
