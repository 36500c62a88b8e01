"""The audit trail when its service, or its database, is killed under load: one chain, and no acknowledged entry lost or doubled."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest

from maestro_core_api import issue_token
from maestro_core_db.testing import PostgresServer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(280)]

SECRET = "a-secret-for-tests-of-at-least-32-bytes"
TELLERS = 6
KILLS = 4
LOAD_S = 35.0
"""How long is killed; with the starts and the end each test stays below a minute."""


def headers() -> dict[str, str]:
    return {"Authorization": f"Bearer {issue_token(SECRET, subject='orders', roles=('admin',))}"}


class Service:
    """A governance-service of its own, that can be killed and started again on the same data and port."""

    def __init__(self, folder: Path, database_url: str | None) -> None:
        self._folder = folder
        self._environ = {
            name: value for name, value in os.environ.items() if not name.startswith(("MAESTRO_", "GOVERNANCE_"))
        }
        self._environ |= {
            "MAESTRO_CONFIG_DIR": str(folder),
            "MAESTRO_DATA_DIR": str(folder / "data"),
            "MAESTRO_JWT_SECRET": SECRET,
            "MAESTRO_LOG_FORMAT": "json",
            "GOVERNANCE_SERVICE_AUDIT_VERIFY_INTERVAL_S": "0",
        }
        if database_url is not None:
            self._environ["GOVERNANCE_SERVICE_DATABASE_URL"] = database_url
        self._process: subprocess.Popen[bytes] | None = None
        self.url = ""

    def start(self) -> float:
        """Start it; how long it took until it was ready."""
        began = time.monotonic()
        log = self._folder / "log"
        offset = log.stat().st_size if log.exists() else 0
        with log.open("ab") as out:
            command = [sys.executable, "-m", "governance_service"]
            self._process = subprocess.Popen(command, cwd=self._folder, env=self._environ, stdout=out, stderr=out)
        while True:
            for line in log.read_bytes()[offset:].splitlines():
                if b'"Serving"' in line:
                    self.url = json.loads(line)["url"]
                    self._environ["GOVERNANCE_SERVICE_PORT"] = self.url.rpartition(":")[2]
                    with contextlib.suppress(httpx2.TransportError):
                        if httpx2.get(f"{self.url}/health/ready", trust_env=False).status_code == 200:
                            return time.monotonic() - began
            assert self._process.poll() is None, log.read_text()[-3_000:]
            assert time.monotonic() - began < 60, log.read_text()[-3_000:]
            time.sleep(0.02)

    def kill(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(signal.SIGKILL)
            process.wait()


@dataclass
class Tellers:
    """Threads that tell entries without end, each with an id of its own, and again until it is acknowledged."""

    service: Service
    acknowledged: dict[str, dict[str, Any]] = field(default_factory=dict)
    attempts: int = 0
    stop: threading.Event = field(default_factory=threading.Event)

    @contextlib.contextmanager
    def telling(self) -> Iterator[None]:
        threads = [threading.Thread(target=self._tell, args=(number,)) for number in range(TELLERS)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self.stop.set()
            for thread in threads:
                thread.join(60)
        assert not any(thread.is_alive() for thread in threads)

    def _tell(self, number: int) -> None:
        told = 0
        with httpx2.Client(headers=headers(), timeout=10, trust_env=False) as client:
            while not self.stop.is_set():
                entry_id = f"{number}-{told}"
                body = {"id": entry_id, "actor": f"teller-{number}", "action": "run.start", "resource": f"run:{told}"}
                self.attempts += 1
                try:
                    answer = client.post(f"{self.service.url}/audit/entries", json=body)
                except httpx2.TransportError:
                    time.sleep(0.02)  # the service is away; the same entry again
                    continue
                if answer.status_code in {200, 201}:
                    self.acknowledged[entry_id] = answer.json()
                    told += 1
                else:
                    assert answer.status_code in {429, 503}, answer.text
                    time.sleep(0.02)


def check(service: Service, told: Tellers) -> None:
    """The chain is intact and signed for, and has every acknowledged entry, once, where it was said to be."""
    with httpx2.Client(base_url=service.url, headers=headers(), timeout=60, trust_env=False) as client:
        verdict = client.get("/audit/verification").json()
        assert verdict["intact"], verdict
        lines = [json.loads(line) for line in client.get("/audit/export").text.splitlines()]
    entries = {line["entry_id"]: line for line in lines if line["type"] == "entry"}
    positions = sorted(line["position"] for line in entries.values())
    assert positions == list(range(1, verdict["head"] + 1))
    assert verdict["anchored"] == verdict["head"]
    for entry_id, said in told.acknowledged.items():
        kept = entries[entry_id]
        assert (kept["position"], kept["hash"]) == (said["position"], said["hash"]), entry_id


def killed_under_load(service: Service, fault: Callable[[], float], seed: int) -> tuple[Tellers, list[float]]:
    """Let a fault happen again and again while entries are told; each returns how long it took until all was well again."""
    dice = random.Random(seed)
    told = Tellers(service)
    recoveries: list[float] = []
    ends = time.monotonic() + LOAD_S
    with told.telling():
        while len(recoveries) < KILLS and time.monotonic() < ends:
            before = len(told.acknowledged)
            deadline = time.monotonic() + 30
            # The next fault comes only when there is load again.
            while len(told.acknowledged) < before + 20:
                assert time.monotonic() < deadline, "nothing is acknowledged any more"
                time.sleep(0.01)
            time.sleep(dice.uniform(0, 0.3))
            recoveries.append(fault())
    return told, recoveries


def show(name: str, told: Tellers, recoveries: list[float]) -> None:
    worst = max(recoveries)
    sys.stdout.write(
        f"\n{name}: {len(recoveries)} kills, {len(told.acknowledged)} entries acknowledged of {told.attempts} attempts, "
        f"recovery {sum(recoveries) / len(recoveries):.2f} s on average, {worst:.2f} s at worst\n"
    )


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_a_service_that_is_killed_loses_no_acknowledged_entry(tmp_path: Path, database: str) -> None:
    """SIGKILL at random moments under load: the chain is one, and what was acknowledged is in it, once."""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(PostgresServer.running(durability="full")) if database == "postgresql" else None
        service = Service(tmp_path, None if server is None else server.url())
        stack.callback(service.kill)
        service.start()

        def fault() -> float:
            service.kill()
            return service.start()

        told, recoveries = killed_under_load(service, fault, seed=1)
        assert recoveries
        check(service, told)
    show(f"governance-service on {database}", told, recoveries)


def test_a_database_that_is_killed_loses_no_acknowledged_entry(tmp_path: Path) -> None:
    """PostgreSQL killed and started again under load: the service comes back by itself, and the chain is one."""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(PostgresServer.running(durability="full"))
        service = Service(tmp_path, server.url())
        stack.callback(service.kill)
        service.start()

        def fault() -> float:
            began = time.monotonic()
            server.kill()
            server.start()
            while True:
                body = {"actor": "probe", "action": "probe.ask", "resource": "probe"}
                with contextlib.suppress(httpx2.TransportError):
                    url = f"{service.url}/audit/entries"
                    if httpx2.post(url, json=body, headers=headers(), timeout=10, trust_env=False).status_code == 201:
                        return time.monotonic() - began
                assert time.monotonic() - began < 60
                time.sleep(0.02)

        told, recoveries = killed_under_load(service, fault, seed=2)
        assert recoveries
        check(service, told)
    show("PostgreSQL under governance-service", told, recoveries)
