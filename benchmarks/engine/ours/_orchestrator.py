"""The orchestrator as a process of its own, set up as it is by default."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from benchmarks.engine.peers._servers import accepts, free_port, server

from maestro_core_api import issue_token


@dataclass(frozen=True)
class Orchestrator:
    """One that serves."""

    port: int
    """On 127.0.0.1."""

    token: str
    """A bearer token of an operator."""


@asynccontextmanager
async def serving(folder: Path, *, workflow_module: str) -> AsyncIterator[Orchestrator]:
    """Run the service while the block runs.

    Args:
        folder: Where it keeps its data and its log.
        workflow_module: The module whose workflows it registers, importable from the current folder.

    Yields:
        How to reach it. It may still be starting: the first request waits until it serves.

    Raises:
        RuntimeError: It ended, or does not listen within a minute.
    """
    config = folder / "config"
    config.mkdir()  # empty: without a folder of its own, one in the current folder would count
    port, secret = free_port(), secrets.token_hex(32)
    # Whoever measures may have settings of their own for services; none of them is to reach this one.
    theirs = [name for name in os.environ if name.startswith("MAESTRO_")]  # noqa: TID251 - to take them away
    command = [
        "env",
        *(argument for name in theirs for argument in ("-u", name)),
        f"MAESTRO_DATA_DIR={folder}/data",
        f"MAESTRO_CONFIG_DIR={config}",
        f"MAESTRO_JWT_SECRET={secret}",
        f"MAESTRO_ORCHESTRATOR_PORT={port}",
        f'MAESTRO_ORCHESTRATOR_WORKFLOW_MODULES=["{workflow_module}"]',
        *(sys.executable, "-m", "maestro"),
    ]
    async with server(command, folder / "orchestrator.txt", accepts(port)):
        token = issue_token(secret, subject="benchmark", roles=["operator"], expires_in=timedelta(hours=2))
        yield Orchestrator(port, token)
