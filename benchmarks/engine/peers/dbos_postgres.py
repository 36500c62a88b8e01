"""DBOS on PostgreSQL, which is what it recommends for production."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from benchmarks.engine._workload import Subject
from benchmarks.engine.peers._dbos import dbos_on
from benchmarks.engine.peers._postgres import postgres


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Subject]:
    """Open DBOS on a new PostgreSQL cluster."""
    async with postgres(folder) as server:
        url = f"postgresql://{server.address}/bench_dbos"
        durability = "PostgreSQL's defaults: fsync, synchronous_commit"
        async with dbos_on(url, "DBOS on PostgreSQL", durability, {"postgresql": server.version}) as subject:
            yield subject
