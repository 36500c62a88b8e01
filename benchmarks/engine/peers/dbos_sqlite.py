"""DBOS on SQLite, as it comes."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from benchmarks.engine._workload import Subject
from benchmarks.engine.peers._dbos import dbos_on


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Subject]:
    """Open DBOS on a new file."""
    url = f"sqlite:///{folder}/dbos.db"
    durability = "SQLite's defaults: rollback journal, synchronous=FULL"
    async with dbos_on(url, "DBOS on SQLite", durability, {"sqlite": sqlite3.sqlite_version}) as subject:
        yield subject
