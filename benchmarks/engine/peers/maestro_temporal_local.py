"""MAESTRO's engine on a Temporal cluster with `local_steps`: short steps run in the workflow's own worker."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from benchmarks.engine._workload import Subject
from benchmarks.engine.peers.maestro_temporal import on_cluster


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Subject]:
    """Start the server on a new file, and the engine as its one worker."""
    async with on_cluster(folder, "&local_steps=add", "local steps") as subject:
        yield subject
