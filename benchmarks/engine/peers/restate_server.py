"""Restate's server, one node, with the Python SDK served by hypercorn."""

from __future__ import annotations

import asyncio
import json
import platform
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path

import httpx
import restate
from benchmarks.engine._workload import AT_ONCE, Subject
from benchmarks.engine.peers._servers import free_port, server
from hypercorn.asyncio import serve
from hypercorn.config import Config

_MODULES = Path(".maestro/bench-npm/node_modules/@restatedev")
_service = restate.Service("Bench")


async def add(a: int, b: int) -> int:
    return a + b


@_service.handler()
async def three_steps(context: restate.Context, n: int) -> int:
    for index in range(3):
        n = await context.run_typed(f"add-{index}", add, a=n, b=1)
    return n


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Subject]:
    """Start the server in a new folder, serve the handler, register it."""
    binary, release = _binary()
    ingress, admin, node, endpoint = (free_port() for _ in range(4))
    settings = {
        "RESTATE_INGRESS__BIND_ADDRESS": f"127.0.0.1:{ingress}",
        "RESTATE_ADMIN__BIND_ADDRESS": f"127.0.0.1:{admin}",
        "RESTATE_BIND_ADDRESS": f"127.0.0.1:{node}",
        "RESTATE_LISTEN_MODE": "tcp",
        "RESTATE_BASE_DIR": str(folder / "restate"),
        "RESTATE_LOG_FILTER": "warn",
        "DO_NOT_TRACK": "1",
    }
    command = ["env", *(f"{name}={value}" for name, value in settings.items()), str(binary)]
    limits = httpx.Limits(max_connections=2 * AT_ONCE, max_keepalive_connections=2 * AT_ONCE)
    stop = asyncio.Event()
    config = Config()
    config.bind = [f"127.0.0.1:{endpoint}"]
    config.accesslog = None
    async with httpx.AsyncClient(limits=limits, timeout=60) as http:

        async def ready() -> bool:
            try:
                health = [await http.get(f"http://127.0.0.1:{admin}/health")]
                health.append(await http.get(f"http://127.0.0.1:{ingress}/restate/health"))
            except httpx.TransportError:
                return False
            return all(answer.is_success for answer in health)

        async with server(command, folder / "restate.log", ready):
            serving = asyncio.create_task(serve(restate.app([_service]), config, shutdown_trigger=stop.wait))
            try:
                uri = {"uri": f"http://127.0.0.1:{endpoint}"}
                (await http.post(f"http://127.0.0.1:{admin}/deployments", json=uri)).raise_for_status()

                async def run(n: int) -> int:
                    answer = await http.post(f"http://127.0.0.1:{ingress}/Bench/three_steps", json=n)
                    result: int = answer.raise_for_status().json()
                    return result

                yield Subject(
                    "Restate",
                    "one node, its defaults: RocksDB's log is synchronised",
                    {"restate-server": release, "restate-sdk": version("restate-sdk")},
                    run,
                )
            finally:
                stop.set()
                await serving


def _binary() -> tuple[Path, str]:
    machine = {"x86_64": "x64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    package = _MODULES / f"restate-server-{platform.system().lower()}-{machine}"
    if not package.is_dir():
        raise FileNotFoundError("its server could not be had: it comes from npm, and `npm ci` did not bring it")
    return (package / "bin" / "restate-server").resolve(), json.loads((package / "package.json").read_text())["version"]
