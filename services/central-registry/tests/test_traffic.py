"""Traffic to real processes, some of which die."""

import asyncio
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from central_registry.testing import RegistryProcess
from maestro_core_api import APIClient, APIException

PATIENCE_S = 60
ECHO = """
import asyncio, sys
from datetime import timedelta
from maestro_core_api import APIConfig, MaestroAPI, SecurityConfig, public
from maestro_core_logging import configure_logging

registry_url, secret, name, probed = sys.argv[1:]
configure_logging("echo", "json", stream=sys.stdout)
app = MaestroAPI(APIConfig(
    title="Echo", service_name="echo", registry_url=registry_url, lease=timedelta(seconds=3),
    health_path="/fit" if probed == "probed" else None, security=SecurityConfig(jwt_secret_key=secret), zone=name,
))
fit = True

@app.get("/who")
@public
async def who() -> str:
    return name

@app.get("/fit")
@public
async def is_fit() -> None:
    if not fit:
        raise RuntimeError("unfit")

@app.post("/fit/{value}")
@public
async def set_fit(value: bool) -> None:
    global fit
    fit = value

app.run(port=0)
"""


class Echo:
    """A service in a process of its own."""

    def __init__(self, folder: Path, registry: RegistryProcess, name: str, *, probed: bool) -> None:
        script = folder / "echo.py"
        script.write_text(ECHO)
        words = [sys.executable, str(script), registry.url, registry.secret, name, "probed" if probed else "plain"]
        self.name = name
        self.process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[RegistryProcess]:
    environ = {
        "CENTRAL_REGISTRY_PROBE_INTERVAL_S": "1",
        "CENTRAL_REGISTRY_PROBE_TIMEOUT_S": "1",
        "CENTRAL_REGISTRY_SLOW_START_S": "0",
        "CENTRAL_REGISTRY_PAUSE_TOLERANCE_S": "1",
    }
    with RegistryProcess(tmp_path / "registry", environ) as registry:
        yield registry


@pytest.fixture
def start(tmp_path: Path, registry: RegistryProcess) -> Iterator[Callable[..., Echo]]:
    """Starts services, and ends them."""
    started: list[Echo] = []

    def go(name: str, *, probed: bool = False) -> Echo:
        started.append(Echo(tmp_path, registry, name, probed=probed))
        return started[-1]

    yield go
    for echo in started:
        echo.process.kill()
        echo.process.wait()


@asynccontextmanager
async def caller(registry: RegistryProcess) -> AsyncIterator[APIClient]:
    async with APIClient(registry.url, registry_url=registry.url, token=registry.token(), retries=0) as client:
        yield client


async def instances(client: APIClient, **params: str) -> dict[str, Any]:
    """The instances that look-up shows, by the name that each gave as its zone."""
    try:
        shown = (await client.get("/services/echo", params=params)).json()["instances"]
    except APIException as error:
        if error.error_code != "SERVICE_NOT_FOUND":
            raise
        return {}
    return {instance["zone"]: instance for instance in shown}


async def until_shown(client: APIClient, *names: str) -> dict[str, Any]:
    async with asyncio.timeout(PATIENCE_S):
        while set(shown := await instances(client)) != set(names):
            await asyncio.sleep(0.05)
    return shown


async def test_a_killed_instance_gets_no_traffic_after_its_lease(
    registry: RegistryProcess, start: Callable[..., Echo]
) -> None:
    """A process killed with SIGKILL is never shown beyond the lease that it had, calls go on all the time, and then to the others."""
    victim, _ = start("victim"), start("survivor")
    async with caller(registry) as client:
        await until_shown(client, "victim", "survivor")
        answered_by = {(await client.get("service://echo/who")).json() for _ in range(10)}
        assert answered_by == {"victim", "survivor"}
        victim.process.kill()
        victim.process.wait()
        last = (await instances(client))["victim"]["lease_expires_at"]
        async with asyncio.timeout(PATIENCE_S):
            while True:
                assert (await client.get("service://echo/who")).json() == "survivor"
                asked_at = datetime.now(UTC)
                shown = await instances(client)
                assert "survivor" in shown
                if "victim" not in shown:
                    break
                assert shown["victim"]["lease_expires_at"] == last, "nobody renews the lease of the dead"
                assert asked_at < datetime.fromisoformat(last)
                await asyncio.sleep(0.05)
        answered_by = {(await client.get("service://echo/who")).json() for _ in range(20)}
    assert answered_by == {"survivor"}


async def test_an_unfit_instance_is_left_out_until_it_is_fit(
    registry: RegistryProcess, start: Callable[..., Echo]
) -> None:
    """An instance whose probes fail keeps its lease and gets no traffic; when they pass, it is back."""
    start("weak", probed=True)
    start("strong", probed=True)
    async with caller(registry) as client:
        shown = await until_shown(client, "weak", "strong")
        await client.post(f"{shown['weak']['url']}/fit/false")
        await until_shown(client, "strong")
        hidden = (await instances(client, health="any"))["weak"]
        assert (hidden["health"], hidden["health_reason"]) == ("unhealthy", "status 500")
        await client.post(f"{shown['weak']['url']}/fit/true")
        after = await until_shown(client, "weak", "strong")
        assert after["weak"]["registered_at"] == shown["weak"]["registered_at"]


async def test_a_registry_that_stood_still_takes_nobody_out(
    registry: RegistryProcess, start: Callable[..., Echo]
) -> None:
    """After a pause longer than every lease the first look-up shows everyone, and nobody had to register again."""
    start("patient")
    async with caller(registry) as client:
        before = (await until_shown(client, "patient"))["patient"]
        registry.pause()
        end = datetime.fromisoformat(before["lease_expires_at"])
        while (datetime.now(UTC) - end).total_seconds() < 2:  # the lease has to run out in the meantime
            await asyncio.sleep(0.1)
        registry.resume()
        after = (await instances(client))["patient"]
        assert after["registered_at"] == before["registered_at"]
        async with asyncio.timeout(PATIENCE_S):
            while not any("stood still" in line for line in registry.log.read_text().splitlines()):
                await asyncio.sleep(0.05)
    assert not [line for line in registry.log.read_text().splitlines() if '"Lease expired"' in line]


class Load:
    """Callers that change what the registry knows, and remember what it acknowledged."""

    def __init__(self, client: APIClient) -> None:
        self.client = client
        self.known: dict[str, str] = {}
        self.gone: set[str] = set()
        self.entries: dict[str, int] = {}
        self.calls: Counter[str] = Counter()
        self.turns: Counter[int] = Counter()
        self.was_killed = False

    async def work(self, worker: int) -> None:
        """Call until the registry is killed."""
        while True:
            turn = self.turns[worker]
            try:
                await self._instances(worker, turn)
                if turn % 5 == 4:
                    await self._catalog(f"load-{worker}", turn)
            except APIException:
                assert self.was_killed, "only the kill breaks calls"
                return
            self.turns[worker] += 1

    async def _instances(self, worker: int, turn: int) -> None:
        instance_id, url = f"w{worker}-{turn % 7}", f"http://127.0.0.1:{1_000 + turn}"
        path = f"/services/load-{worker}/instances/{instance_id}"
        # While a call is under way nothing is certain.
        self.known.pop(instance_id, None)
        self.gone.discard(instance_id)
        await self.client.put(path, json={"url": url, "version": "1", "lease_s": 300})
        if turn % 3 == 2:
            await self.client.delete(path)
            self.gone.add(instance_id)
        else:
            self.known[instance_id] = url

    async def _catalog(self, service: str, turn: int) -> None:
        await self.client.put(f"/catalog/{service}", json={"version": f"{turn}", "owner": f"{turn}"})
        self.entries[service] = turn
        seen = {"caller": service, "callee": "all", "calls": 1}
        await self.client.post("/catalog/observations", json={"observations": [seen]})
        self.calls[service] += 1


async def test_a_killed_registry_has_everything_that_it_acknowledged(registry: RegistryProcess) -> None:
    """Killed with SIGKILL under load, the registry has after its start all that it acknowledged, and nothing twice."""
    async with caller(registry) as client:
        load = Load(client)
        workers = [asyncio.create_task(load.work(worker)) for worker in range(8)]
        async with asyncio.timeout(PATIENCE_S):
            while min((load.turns[worker] for worker in range(8)), default=0) < 20:
                await asyncio.sleep(0.01)
        load.was_killed = True
        registry.kill()
        await asyncio.gather(*workers)
    registry.start()
    async with caller(registry) as client:
        services = (await client.get("/services")).json()["services"]
        found = {each["instance_id"]: each["url"] for service in services for each in service["instances"]}
        assert {instance_id: found.get(instance_id) for instance_id in load.known} == load.known
        assert not load.gone & set(found)
        for service, turn in load.entries.items():
            assert int((await client.get(f"/catalog/{service}")).json()["owner"]) >= turn
        for service, count in load.calls.items():
            (observed,) = (await client.get(f"/catalog/{service}/dependencies")).json()["observed"]
            assert count <= observed["calls"] <= count + 1
    assert load.known
    assert load.gone
    assert registry.stop() == 0
