"""Prefect with a server of its own on PostgreSQL, and results that are kept."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path

import httpx
from prefect import flow, task
from prefect.settings import (
    PREFECT_API_URL,
    PREFECT_HOME,
    PREFECT_LOCAL_STORAGE_PATH,
    PREFECT_LOGGING_LEVEL,
    PREFECT_RESULTS_PERSIST_BY_DEFAULT,
    temporary_settings,
)

from benchmarks.engine._workload import Subject
from benchmarks.engine.peers._postgres import postgres
from benchmarks.engine.peers._servers import free_port, server


@task(persist_result=True)
async def add(a: int, b: int) -> int:
    return a + b


@flow(persist_result=True)
async def three_steps(n: int) -> int:
    return await add(await add(await add(n, 1), 1), 1)


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Subject]:
    """Start PostgreSQL and the server; flows run in this process."""
    home, port = folder / "prefect", free_port()
    async with postgres(folder) as database, httpx.AsyncClient() as http:
        # On SQLite the server sets synchronous=NORMAL, which loses the last commits when power fails.
        settings = {
            "PREFECT_HOME": str(home),
            "PREFECT_API_DATABASE_CONNECTION_URL": f"postgresql+asyncpg://{database.address}/postgres",
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "PREFECT_SERVER_UI_ENABLED": "false",
        }
        command = [
            *("env", *(f"{name}={value}" for name, value in settings.items())),
            *(sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)),
        ]

        async def ready() -> bool:
            try:
                return (await http.get(f"http://127.0.0.1:{port}/api/health")).is_success
            except httpx.TransportError:
                return False

        async with server(command, folder / "prefect.log", ready):
            with temporary_settings(
                {
                    PREFECT_API_URL: f"http://127.0.0.1:{port}/api",
                    PREFECT_HOME: home,
                    PREFECT_LOCAL_STORAGE_PATH: home / "storage",
                    PREFECT_LOGGING_LEVEL: "ERROR",
                    PREFECT_RESULTS_PERSIST_BY_DEFAULT: True,
                }
            ):
                yield Subject(
                    "Prefect",
                    "server on PostgreSQL (fsync); results in files, which it does not synchronise",
                    {"prefect": version("prefect"), "postgresql": database.version},
                    three_steps,
                )
