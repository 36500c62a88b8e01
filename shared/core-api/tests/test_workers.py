import importlib.util
import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

_SPEC = importlib.util.spec_from_file_location("core_api_processes", Path(__file__).with_name("processes.py"))
assert _SPEC is not None
assert _SPEC.loader is not None
processes = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(processes)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at processes through /proc")

SERVICE = """
import os
import sys
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from maestro_core_api import APIConfig, MaestroAPI, StartupError, public
from maestro_core_logging import configure_logging

folder = Path(sys.argv[1])

@asynccontextmanager
async def lifespan(app):
    if (folder / "broken").exists():
        raise StartupError("the journal is locked")
    yield
    (folder / f"closed-{os.getpid()}").touch()

configure_logging("orders", "json", stream=sys.stdout)
options = {"registry_url": sys.argv[3]} if len(sys.argv) > 3 else {}
config = APIConfig(
    title="Orders", service_name="orders", workers=int(sys.argv[2]), lease=timedelta(seconds=1),
    shutdown_grace=timedelta(seconds=20), **options,
)
app = MaestroAPI(config, lifespan=lifespan)

@app.get("/pid")
@public
async def pid() -> dict[str, int]:
    return {"pid": os.getpid()}

@app.post("/crash")
@public
async def crash() -> None:
    os.abort()

app.run(port=0)
"""


class Fleet:
    """A service with workers, and what can be seen of it from outside."""

    def __init__(self, process: Any, log: Path, folder: Path) -> None:
        self.process, self.log, self.folder = process, log, folder

    def lines(self, event: str) -> list[dict[str, Any]]:
        """Return the log lines of an event."""
        lines = (json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{"))
        return [line for line in lines if line["event"] == event]

    def wait(self, condition: Any, what: str) -> Any:
        """Wait until something is the case."""
        return processes.eventually(condition, what, self.log)

    def serving(self, count: int) -> list[int]:
        """Wait until so many workers have begun to serve, and return the pids of those that live."""
        self.wait(lambda: len(self.lines("Serving")) >= count, f"{count} workers serve")
        return sorted(processes.children(self.process.pid))

    @property
    def url(self) -> str:
        """Where it listens."""
        return str(self.lines("Serving with several workers")[0]["url"])


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """The service as a file."""
    path = tmp_path / "service.py"
    path.write_text(SERVICE)
    return path


@pytest.fixture
def fleet(script: Path, tmp_path: Path) -> Iterator[Fleet]:
    """A service with three workers."""
    log = tmp_path / "log.txt"
    with processes.started(script, tmp_path, "3", log=log) as process:
        yield Fleet(process, log, tmp_path)


def ask(url: str, times: int) -> set[int]:
    """Ask so often, each time on a connection of its own, and return the pids that answered."""
    return {httpx2.get(f"{url}/pid", trust_env=False, timeout=30).json()["pid"] for _ in range(times)}


def test_workers_share_one_socket(fleet: Fleet) -> None:
    """The workers answer on one address, their log lines say which they are, and SIGTERM ends all of them gracefully."""
    pids = fleet.serving(3)
    assert len(pids) == 3
    assert ask(fleet.url, 20) <= set(pids)
    lines = fleet.wait(lambda: fleet.lines("Request answered"), "access lines")
    assert {line["pid"] for line in lines} <= set(pids)
    assert {line["worker"] for line in lines} <= {1, 2, 3}
    assert processes.end(fleet.process) == 0
    assert not any(map(processes.is_alive, pids))
    assert sorted(int(path.name.partition("-")[2]) for path in fleet.folder.glob("closed-*")) == pids
    assert len(fleet.lines("Stopped")) == 3


def test_a_stop_leaves_no_folder_behind(script: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder that workers share is there while any of them runs, and gone once the parent has ended."""
    shared = tmp_path / "temporary"
    shared.mkdir()
    monkeypatch.setenv("TMPDIR", str(shared))
    log = tmp_path / "log.txt"
    with processes.started(script, tmp_path, "2", log=log) as process:
        fleet = Fleet(process, log, tmp_path)
        pids = fleet.serving(2)
        assert list(shared.glob("maestro-workers-*"))
        os.kill(pids[0], signal.SIGTERM)
        fleet.serving(3)
        assert list(shared.glob("maestro-workers-*"))
        assert processes.end(process) == 0
    assert not list(shared.iterdir())


def test_a_worker_that_dies_is_replaced(fleet: Fleet) -> None:
    """A worker that crashes, or is killed, is started again, and the service goes on meanwhile."""
    pids = fleet.serving(3)
    os.kill(pids[0], signal.SIGKILL)
    later = fleet.serving(4)
    assert len(set(later) - set(pids)) == 1
    with pytest.raises(httpx2.TransportError):
        httpx2.post(f"{fleet.url}/crash", trust_env=False, timeout=30)
    fleet.serving(5)
    assert ask(fleet.url, 5)
    told = fleet.lines("A worker ended by itself and is started again")
    assert [line["signal"] for line in told] == ["SIGKILL", "SIGABRT"]
    assert told[0]["ended_pid"] == pids[0]
    assert processes.end(fleet.process) == 0


def test_the_death_of_the_parent_leaves_no_orphan(fleet: Fleet) -> None:
    """When the parent is killed, its workers stop, gracefully, and the address is free again."""
    pids, url = fleet.serving(3), fleet.url
    fleet.process.kill()
    fleet.wait(lambda: not any(map(processes.is_alive, pids)), "the workers have ended")
    assert len(list(fleet.folder.glob("closed-*"))) == 3
    with pytest.raises(httpx2.ConnectError):
        httpx2.get(f"{url}/pid", trust_env=False)


def test_workers_are_replaced_one_after_another(fleet: Fleet) -> None:
    """SIGHUP puts a new worker in the place of each, without a moment in which nobody answers."""
    pids = fleet.serving(3)
    os.kill(fleet.process.pid, signal.SIGHUP)
    answered = set()
    while len(fleet.lines("Stopped")) < 3:
        answered |= ask(fleet.url, 3)
    later = fleet.wait(
        lambda: (now := processes.children(fleet.process.pid)) and len(now) == 3 and not set(now) & set(pids) and now,
        "three new workers",
    )
    assert ask(fleet.url, 10) <= set(later)
    assert answered
    assert not fleet.lines("A worker ended by itself and is started again")
    assert processes.end(fleet.process) == 0


def test_a_service_that_cannot_start_says_so_once(script: Path, tmp_path: Path) -> None:
    """A start-up that fails in the workers ends the service with its status, and it is not tried again and again."""
    (tmp_path / "broken").touch()
    log = tmp_path / "log.txt"
    with processes.started(script, tmp_path, "2", log=log) as process:
        assert process.wait(60) == 70
    assert "orders: the service could not start: the journal is locked" in log.read_text()


def test_ctrl_c_stops_all(fleet: Fleet) -> None:
    """SIGINT to the parent and its workers, as a terminal sends it, is one request to stop and not two."""
    pids = fleet.serving(3)
    for pid in pids:
        os.kill(pid, signal.SIGINT)
    assert processes.end(fleet.process, signal.SIGINT) == 0
    assert len(list(fleet.folder.glob("closed-*"))) == 3


async def test_all_workers_are_one_instance(script: Path, tmp_path: Path, registry: Any, eventually: Any) -> None:
    """One worker registers for all; when it dies, another keeps the same entry; the stop takes it away."""
    import asyncio

    # The workers have no key, so that the registry must not ask for one.
    from maestro_core_api import public
    from maestro_core_api.testing import running

    for route in registry.app.routes:
        if getattr(route, "path", "").startswith("/services"):
            public(getattr(route.endpoint, "__func__", route.endpoint))
    log = tmp_path / "log.txt"
    async with running(registry.app) as registry_url:
        with processes.started(script, tmp_path, "2", registry_url, log=log) as process:
            fleet = Fleet(process, log, tmp_path)
            (first,) = await asyncio.to_thread(lambda: fleet.wait(lambda: fleet.lines("Registered"), "registered"))
            assert next(iter(registry.instances["orders"].values()))["url"] == fleet.url
            instances = list(registry.instances["orders"])
            os.kill(first["pid"], signal.SIGKILL)
            await asyncio.to_thread(
                lambda: fleet.wait(lambda: len(fleet.lines("Registered")) == 2, "another worker registers")
            )
            assert fleet.lines("Registered")[1]["pid"] != first["pid"]
            assert list(registry.instances["orders"]) == instances
            process.send_signal(signal.SIGTERM)
            await eventually(lambda: not registry.instances["orders"])
            assert await asyncio.to_thread(process.wait, 60) == 0
