"""MAESTRO's engine on its own journal."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path

from benchmarks.engine._workload import Subject

from maestro_workflow_engine import WorkflowEngine, step, workflow


@step
async def add(a: int, b: int) -> int:
    return a + b


@workflow
async def three_steps(n: int) -> int:
    return await add(await add(await add(n, 1), 1), 1)


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Subject]:
    """Open an engine on a new journal."""
    async with WorkflowEngine(f"sqlite:///{folder}/journal.db", workflows=[three_steps]) as engine:

        async def run(n: int) -> int:
            return await (await engine.start(three_steps, n)).result()

        yield Subject(
            "MAESTRO",
            "SQLite WAL, synchronous=FULL",
            {"maestro-workflow-engine": version("maestro-workflow-engine"), "sqlite": sqlite3.sqlite_version},
            run,
        )
