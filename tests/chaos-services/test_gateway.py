"""Envoy, the registry and an instance are killed and started again under load: no wrong traffic, and how long it takes to recover."""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx2
import psutil
import pytest
import pytest_asyncio
from edge_kit.edge import SECRET, TOKEN, GatewayProcess, bearer, free_port, gateway_process, until
from edge_kit.load import Load, steady_load
from edge_kit.named import named

from maestro_core_api.testing import running

LIB = str(Path(__file__).parents[1] / "gateway" / "lib")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

SERVICE = """
import os, sys
from datetime import timedelta
from edge_kit.named import named
from maestro_core_logging import configure_logging

configure_logging(sys.argv[1], "json")
named(sys.argv[1], sys.argv[2], os.environ["SECRET"], timedelta(seconds=2)).run()
"""


class Processes:
    """What a test has started; each is ended by its id."""

    def __init__(self, folder: Path, services: contextlib.AsyncExitStack) -> None:
        self.folder = folder
        self.services = services
        self.port = free_port()
        self.started: list[subprocess.Popen[bytes]] = []
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("MAESTRO_", "CENTRAL_"))}
        self.environ = clean | {
            "SECRET": SECRET,
            "PYTHONPATH": LIB,
            "MAESTRO_JWT_SECRET": SECRET,
            "MAESTRO_CONFIG_DIR": str(folder),
            "MAESTRO_DATA_DIR": str(folder / "data"),
            "MAESTRO_LOG_FORMAT": "json",
            "CENTRAL_REGISTRY_PORT": str(self.port),
            "CENTRAL_REGISTRY_GATEWAY_TOKEN": TOKEN,
        }

    @property
    def registry_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self, *arguments: str) -> "subprocess.Popen[bytes]":
        with (self.folder / f"{len(self.started)}.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, *arguments], stdout=log, stderr=log, env=self.environ, cwd=self.folder
            )
        self.started.append(process)
        return process

    def registry(self) -> "subprocess.Popen[bytes]":
        return self.start("-m", "central_registry")

    def instance(self, name: str) -> "subprocess.Popen[bytes]":
        """Start an instance that can be killed."""
        return self.start("-c", SERVICE, name, self.registry_url)

    async def serve(self, name: str) -> None:
        """Run an instance that stays."""
        await self.services.enter_async_context(running(named(name, self.registry_url, SECRET)))


@pytest_asyncio.fixture
async def processes(tmp_path: Path) -> AsyncIterator[Processes]:
    async with contextlib.AsyncExitStack() as services:
        started = Processes(tmp_path, services)
        yield started
        for process in started.started:
            process.kill()
            process.wait()


@pytest.fixture
def gateway(processes: Processes, tmp_path: Path) -> Iterator[GatewayProcess]:
    with gateway_process(tmp_path, processes.registry_url) as made:
        yield made


async def answers(gateway: GatewayProcess, path: str) -> bool:
    with contextlib.suppress(httpx2.HTTPError):
        async with httpx2.AsyncClient(base_url=gateway.url, trust_env=False) as client:
            return (await client.get(path)).status_code == 200
    return False


@contextlib.asynccontextmanager
async def load_on(gateway: GatewayProcess) -> AsyncIterator[tuple[Load, Load, Load]]:
    """Ask two services for their names, and a closed corner with a token that is not enough."""
    async with (
        steady_load(
            gateway.url, "/one/who", callers=4, right=lambda a: a.status_code == 503 or a.json() == "one"
        ) as one,
        steady_load(
            gateway.url, "/two/who", callers=4, right=lambda a: a.status_code == 503 or a.json() == "two"
        ) as two,
        steady_load(
            gateway.url, "/one/inner", callers=2, headers=bearer("viewer"), right=lambda a: a.status_code in {403, 503}
        ) as closed,
    ):
        yield one, two, closed


async def begin(processes: Processes, gateway: GatewayProcess, *services: str) -> "subprocess.Popen[bytes]":
    registry = processes.registry()
    for name in services:
        await processes.serve(name)
    gateway.start()
    for name in {*services}:
        await until(lambda name=name: answers(gateway, f"/{name}/who"))
    return registry


def no_wrong_traffic(*loads: Load) -> None:
    """Whatever was answered was right for its load: from the service that was asked, or a refusal of the gateway; connections may have broken."""
    for load in loads:
        wrong = [failure for failure in load.failures if failure[:3].isdigit()]
        assert wrong == []


async def test_a_killed_registry_costs_no_request(processes: Processes, gateway: GatewayProcess) -> None:
    """Three times the registry is killed and comes back: every request is answered well, and new instances are found afterwards."""
    registry = await begin(processes, gateway, "one", "two")
    async with load_on(gateway) as loads:
        for _ in range(3):
            registry.send_signal(signal.SIGKILL)
            registry.wait()
            seen = loads[0].count
            await until(lambda seen=seen: loads[0].count > seen + 100)
            killed = time.monotonic()
            registry = processes.registry()
            await until(lambda: _accepted(processes))
            print(f"registry back and asked by the gateway after {time.monotonic() - killed:.2f} s")  # noqa: T201
    for load in loads:
        assert load.failures == []
        assert 503 not in load.answers, load.answers
    assert loads[2].answers.keys() == {403}
    await processes.serve("three")
    await until(lambda: answers(gateway, "/three/who"))


async def _accepted(processes: Processes) -> bool:
    with contextlib.suppress(httpx2.HTTPError):
        async with httpx2.AsyncClient(trust_env=False, headers=bearer("viewer")) as client:
            nodes = (await client.get(f"{processes.registry_url}/gateway/nodes")).json()["nodes"]
            return {"clusters", "routes", "listeners"} <= set(nodes.get("gateway", {}))
    return False


async def test_a_killed_envoy_comes_back_as_it_was(processes: Processes, gateway: GatewayProcess) -> None:
    """Three times Envoy is killed under load: while it is away nobody is answered wrongly, and afterwards everything is as before."""
    await begin(processes, gateway, "one", "two")
    async with load_on(gateway) as loads:
        for _ in range(3):
            assert gateway.process is not None
            (envoy,) = [child for child in psutil.Process(gateway.process.pid).children() if "envoy" in child.name()]
            envoy.kill()
            killed = time.monotonic()
            assert await asyncio.to_thread(gateway.process.wait, 30) == 70, "whoever supervises it is to start it again"
            gateway.start()
            await until(lambda: answers(gateway, "/one/who"))
            print(f"Envoy answers again {time.monotonic() - killed:.2f} s after it was killed")  # noqa: T201
            seen = [load.count for load in loads]
            await until(lambda seen=seen: all(load.count > n + 20 for load, n in zip(loads, seen, strict=True)))
    no_wrong_traffic(*loads)
    assert 200 not in loads[2].answers


async def test_a_killed_registry_and_envoy_together(processes: Processes, gateway: GatewayProcess) -> None:
    """With both killed at once, the edge opens again only with what services have declared, and never with less protection."""
    registry = await begin(processes, gateway, "one", "two")
    async with load_on(gateway) as loads:
        registry.send_signal(signal.SIGKILL)
        assert gateway.process is not None
        gateway.process.kill()
        gateway.process.wait()
        registry.wait()
        killed = time.monotonic()
        gateway.start()
        registry = processes.registry()
        await until(lambda: answers(gateway, "/one/who"))
        print(f"registry and gateway answer again {time.monotonic() - killed:.2f} s after both were killed")  # noqa: T201
        seen = [load.count for load in loads]
        await until(lambda: all(load.count > n + 20 for load, n in zip(loads, seen, strict=True)))
    no_wrong_traffic(*loads)
    assert 200 not in loads[2].answers


async def test_a_killed_instance_leaves_the_traffic(processes: Processes, gateway: GatewayProcess) -> None:
    """One of two instances is killed under load: every GET is answered well, and soon nothing is sent to it any more."""
    await begin(processes, gateway, "one")
    extra = processes.instance("one")
    async with httpx2.AsyncClient(trust_env=False, headers=bearer("viewer")) as client:

        async def instances() -> int:
            return len((await client.get(f"{processes.registry_url}/services/one")).json()["instances"])

        async def both() -> bool:
            return await instances() == 2

        async def one() -> bool:
            return await instances() == 1

        await until(both)
        async with steady_load(gateway.url, "/one/who", callers=8) as load:
            await until(lambda: load.count > 100)
            extra.send_signal(signal.SIGKILL)
            killed = time.monotonic()
            await until(one)
            print(f"a killed instance was gone {time.monotonic() - killed:.2f} s later (lease 2 s)")  # noqa: T201
            seen = load.count
            await until(lambda: load.count > seen + 100)
            # From then on nobody is sent there first: a request that was would have had a second attempt.
            await until(lambda: _all_at_once(gateway.lines(status=200)[-200:]))
        assert load.failures == [], load.answers
    retried = [json.dumps(line) for line in gateway.lines(status=200) if line.get("attempts", 1) > 1]
    print(f"{load.count} requests, {len(retried)} of them on a second instance")  # noqa: T201


def _all_at_once(lines: list[dict[str, Any]]) -> bool:
    return len(lines) == 200 and all(line.get("attempts", 1) == 1 for line in lines)
