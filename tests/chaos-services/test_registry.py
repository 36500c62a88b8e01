"""The registry is killed, paused and cut off from its disk while services call one another through it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from central_registry.testing import RegistryProcess
from maestro_core_api import APIClient, APIException

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]
BOUND_S = 60
SERVICE = """
import sys
from datetime import timedelta
from maestro_core_api import APIConfig, MaestroAPI, SecurityConfig, public

registry_url, secret, name = sys.argv[1:]
app = MaestroAPI(APIConfig(
    title="Echo", service_name="echo", registry_url=registry_url, lease=timedelta(seconds=3), zone=name,
    security=SecurityConfig(jwt_secret_key=secret),
))

@app.get("/who")
@public
async def who() -> str:
    return name

app.run(port=0)
"""


class Traffic:
    """Calls by name, one after the other, and who answered them."""

    def __init__(self, registry: RegistryProcess) -> None:
        self.answers: list[str] = []
        self.faults: list[str] = []
        self._registry = registry

    @asynccontextmanager
    async def flowing(self) -> AsyncIterator[None]:
        """Call while the block runs."""
        flow = asyncio.create_task(self._flow())
        try:
            await self.more()
            yield
        finally:
            flow.cancel()
            with suppress(asyncio.CancelledError):
                await flow

    async def _flow(self) -> None:
        url, token = self._registry.url, self._registry.token()
        async with APIClient(registry_url=url, token=token) as client:
            while True:
                try:
                    self.answers.append((await client.get("service://echo/who")).json())
                except APIException as error:
                    self.faults.append(str(error))
                await asyncio.sleep(0.005)

    async def more(self, count: int = 20) -> None:
        """Wait for further answers."""
        wanted = len(self.answers) + count
        async with asyncio.timeout(BOUND_S):
            while len(self.answers) < wanted:
                await asyncio.sleep(0.01)


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[RegistryProcess]:
    environ = {"CENTRAL_REGISTRY_PAUSE_TOLERANCE_S": "1", "CENTRAL_REGISTRY_PROBE_INTERVAL_S": "1"}
    with RegistryProcess(tmp_path / "registry", {**environ, "CENTRAL_REGISTRY_PROBE_TIMEOUT_S": "1"}) as registry:
        yield registry


@pytest.fixture
def start(tmp_path: Path, registry: RegistryProcess) -> Iterator[Callable[[str], subprocess.Popen[bytes]]]:
    """Starts a service, and ends it in the end."""
    (tmp_path / "echo.py").write_text(SERVICE)
    started: list[subprocess.Popen[bytes]] = []

    def go(name: str) -> subprocess.Popen[bytes]:
        words = [sys.executable, str(tmp_path / "echo.py"), registry.url, registry.secret, name]
        with (tmp_path / f"{name}.log").open("wb") as log:
            started.append(subprocess.Popen(words, stdout=log, stderr=log))
        return started[-1]

    yield go
    for process in started:
        process.kill()
        process.wait()


async def shown(client: APIClient) -> set[str]:
    """Who is shown; empty when nobody is or the registry does not answer."""
    try:
        found = (await client.get("/services/echo")).json()["instances"]
    except APIException:
        return set()
    return {instance["zone"] for instance in found}


async def until_shown(client: APIClient, *names: str) -> float:
    """Wait until exactly these are shown, and return how long that took, in seconds."""
    began = time.monotonic()
    async with asyncio.timeout(BOUND_S):
        while await shown(client) != set(names):
            await asyncio.sleep(0.02)
    return time.monotonic() - began


def client_of(registry: RegistryProcess) -> APIClient:
    return APIClient(registry.url, token=registry.token("operator"), retries=0)


def seconds(durations: list[float]) -> str:
    return ", ".join(f"{each:.1f} s" for each in durations)


def report(capsys: pytest.CaptureFixture[str], line: str) -> None:
    with capsys.disabled():
        sys.stdout.write(f"\n{line}\n")


async def test_services_do_not_notice_a_killed_registry(
    registry: RegistryProcess, start: Callable[[str], subprocess.Popen[bytes]], capsys: pytest.CaptureFixture[str]
) -> None:
    """Through several kills of the registry every call between services is answered, and it comes back knowing everyone."""
    for name in "ab":
        start(name)
    recoveries = []
    async with client_of(registry) as client:
        await until_shown(client, "a", "b")
        traffic = Traffic(registry)
        async with traffic.flowing():
            for _ in range(3):
                registry.kill()
                await traffic.more(100)
                began = time.monotonic()
                await asyncio.to_thread(registry.start)
                assert await shown(client) == {"a", "b"}, "the first answer has everyone"
                recoveries.append(time.monotonic() - began)
                await traffic.more()
    assert traffic.faults == []
    assert set(traffic.answers) == {"a", "b"}
    report(
        capsys,
        f"registry killed 3 times: back after {seconds(recoveries)}; {len(traffic.answers)} calls, none failed",
    )


async def test_a_killed_instance_is_left_out(
    registry: RegistryProcess, start: Callable[[str], subprocess.Popen[bytes]], capsys: pytest.CaptureFixture[str]
) -> None:
    """Instances killed one after the other cost no call, and are no longer shown after their lease."""
    victims = {name: start(name) for name in "abc"}
    start("d")
    gone = []
    async with client_of(registry) as client:
        await until_shown(client, *"abcd")
        traffic = Traffic(registry)
        async with traffic.flowing():
            left = set("abcd")
            for name, process in victims.items():
                process.kill()
                process.wait()
                left.discard(name)
                gone.append(await until_shown(client, *left))
            before = len(traffic.answers)
            await traffic.more(50)
    assert traffic.faults == []
    # What was under way when the last one went may still be among them.
    assert set(traffic.answers[before + 1 :]) == {"d"}
    report(capsys, f"instances killed: left out after {seconds(gone)} (lease 3 s, probes each second)")


async def test_a_registry_that_stands_still_loses_nobody(
    registry: RegistryProcess, start: Callable[[str], subprocess.Popen[bytes]], capsys: pytest.CaptureFixture[str]
) -> None:
    """A registry that is stopped for longer than the leases shows everyone when it goes on, and traffic never ends."""
    for name in "ab":
        start(name)
    async with client_of(registry) as client:
        await until_shown(client, "a", "b")
        traffic = Traffic(registry)
        async with traffic.flowing():
            registry.pause()
            stopped_at = time.monotonic()
            while time.monotonic() - stopped_at < 8:  # the leases are 3 s: all of them have to run out in the meantime
                await asyncio.sleep(0.1)
            registry.resume()
            began = time.monotonic()
            assert await shown(client) == {"a", "b"}
            took = time.monotonic() - began
            await traffic.more()
    assert not [line for line in registry.log.read_text().splitlines() if '"Lease expired"' in line]
    assert set(traffic.answers) == {"a", "b"}
    report(
        capsys,
        f"registry stopped for 8 s: everyone shown {took:.2f} s after it went on; {len(traffic.faults)} calls failed",
    )
