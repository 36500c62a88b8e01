"""Temporal's development server on a file, durable like the others."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from benchmarks.engine.peers._servers import accepts, free_port, server

DURABILITY = "SQLite WAL, synchronous=FULL"


@asynccontextmanager
async def temporal_server(folder: Path) -> AsyncIterator[str]:
    """Start the server of this environment on a new file in the folder.

    Yields:
        Its address, `host:port`. The port is open before its services and the namespace are there.
    """
    port = free_port()
    command = [
        *(str(Path(sys.executable).with_name("temporal")), "server", "start-dev", "--headless", "--ip", "127.0.0.1"),
        *("--port", str(port), "--db-filename", str(folder / "temporal.db"), "--log-level", "error"),
        *("--sqlite-pragma", "journal_mode=wal", "--sqlite-pragma", "synchronous=full"),
    ]
    async with server(command, folder / "temporal.log", accepts(port)):
        yield f"127.0.0.1:{port}"
