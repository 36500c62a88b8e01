"""Prefect with a server of its own on SQLite, and results that are kept.

On PostgreSQL its server wants the extension pg_trgm, which the PostgreSQL of the wheel does not have. On SQLite it sets
synchronous=NORMAL, and its results are files that it does not synchronise: it is let off both.
"""

from __future__ import annotations

import logging
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path

import httpx
from benchmarks.engine._workload import Subject
from benchmarks.engine.peers._servers import free_port, server
from prefect import flow, task
from prefect.settings import (
    PREFECT_API_URL,
    PREFECT_HOME,
    PREFECT_LOCAL_STORAGE_PATH,
    PREFECT_LOGGING_TO_API_ENABLED,
    PREFECT_RESULTS_PERSIST_BY_DEFAULT,
    temporary_settings,
)

_AT_ONCE = 1  # given more, its clients back off from a busy server for seconds, and it gets less done than one by one


@task(persist_result=True)
async def add(a: int, b: int) -> int:
    return a + b


@flow(persist_result=True)
async def three_steps(n: int) -> int:
    return await add(await add(await add(n, 1), 1), 1)


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Subject]:
    """Start the server on a new file; flows run in this process."""
    home, port = folder / "prefect", free_port()
    home.mkdir()
    async with httpx.AsyncClient() as http:
        settings = {
            "PREFECT_HOME": str(home),
            "PREFECT_API_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{home}/prefect.db",
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
            for name in ("prefect", "prefect.flow_runs", "prefect.task_runs", "prefect.engine"):
                logging.getLogger(name).setLevel(logging.ERROR)
            with temporary_settings(
                {
                    PREFECT_API_URL: f"http://127.0.0.1:{port}/api",
                    PREFECT_HOME: home,
                    PREFECT_LOCAL_STORAGE_PATH: home / "storage",
                    PREFECT_LOGGING_TO_API_ENABLED: False,
                    PREFECT_RESULTS_PERSIST_BY_DEFAULT: True,
                }
            ):
                yield Subject(
                    "Prefect, one run at a time",
                    "SQLite WAL, synchronous=NORMAL, and files that are not synchronised",
                    {"prefect": version("prefect"), "sqlite": sqlite3.sqlite_version},
                    three_steps,
                    at_once=_AT_ONCE,
                )
