"""DBOS, whatever database it stands on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from benchmarks.engine._workload import Subject
from dbos import DBOS


@DBOS.step()
async def add(a: int, b: int) -> int:
    return a + b


@DBOS.workflow()
async def three_steps(n: int) -> int:
    return await add(await add(await add(n, 1), 1), 1)


@asynccontextmanager
async def dbos_on(url: str, title: str, durability: str, versions: dict[str, str]) -> AsyncIterator[Subject]:
    """Launch DBOS; its workflows are called directly, which spares it the polling that a handle's result costs."""
    DBOS(
        config={"name": "bench", "system_database_url": url, "run_admin_server": False, "console_log_level": "WARNING"}
    )
    DBOS.launch()
    try:
        yield Subject(title, durability, {"dbos": version("dbos"), **versions}, three_steps)
    finally:
        DBOS.destroy()
