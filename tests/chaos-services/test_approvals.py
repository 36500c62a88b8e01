"""The governance service is killed under load: what was acknowledged is kept, and each run is told once."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import httpx2
import pytest

from maestro_core_api import issue_token

pytestmark = [pytest.mark.slow, pytest.mark.timeout(280)]
SECRET = "a-secret-for-tests-of-at-least-32-bytes"
APPROVALS = 24
KILLS = 3
PATIENCE_S = 100.0
WORKFLOW = """
from maestro_workflow_engine import publish, receive, workflow


@workflow(name="chaos/waits")
async def waits(number: int) -> None:
    publish("outcome", await receive("approval"))
    await receive("finish")
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Service:
    """A process that can be killed and started again on its port."""

    def __init__(self, module: str, folder: Path, environ: dict[str, str], prefix: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        inherited = {name: text for name, text in os.environ.items() if not name.startswith(("MAESTRO_", prefix))}
        self._environ = {**inherited, **environ, f"{prefix}_PORT": str(self.port)}
        self._command = [sys.executable, "-m", module]
        self._folder = folder
        self._log = folder / f"{module}.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, cwd=self._folder, env=self._environ, stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            with contextlib.suppress(httpx2.HTTPError):
                if httpx2.get(f"{self.url}/health/ready", trust_env=False).status_code == 200:
                    return
            assert self._process.poll() is None, self._log.read_text()[-3_000:]
            time.sleep(0.02)
        raise AssertionError(self._log.read_text()[-3_000:])

    def kill(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait(10)


@contextlib.contextmanager
def platform(folder: Path) -> Iterator[tuple[Service, Service]]:
    """Run a registry, an orchestrator and a governance service."""
    (folder / "chaos_waits.py").write_text(WORKFLOW)
    environ = {
        "MAESTRO_JWT_SECRET": SECRET,
        "MAESTRO_DATA_DIR": str(folder / "data"),
        "MAESTRO_CONFIG_DIR": str(folder),
        "MAESTRO_LOG_FORMAT": "json",
        "PYTHONPATH": str(folder),
        "MAESTRO_ORCHESTRATOR_WORKFLOW_MODULES": '["chaos_waits"]',
    }
    registry = Service("central_registry", folder, environ, "CENTRAL_REGISTRY")
    environ["MAESTRO_REGISTRY_URL"] = registry.url
    orchestrator = Service("maestro", folder, environ, "MAESTRO_ORCHESTRATOR")
    governance = Service("governance_service", folder, environ, "GOVERNANCE_SERVICE")
    services = [registry, orchestrator, governance]
    try:
        for service in services:
            service.start()
        yield orchestrator, governance
    finally:
        for service in services:
            service.kill()


def client_of(service: Service, subject: str, role: str) -> httpx2.Client:
    """Make a client that speaks for somebody."""
    headers = {"Authorization": f"Bearer {issue_token(SECRET, subject=subject, roles=(role,))}"}
    return httpx2.Client(base_url=service.url, headers=headers, timeout=30, trust_env=False)


class Person:
    """Decides what is waiting, again and again, and remembers what was acknowledged."""

    def __init__(self, name: str, client: httpx2.Client) -> None:
        self.name = name
        self.acknowledged: dict[str, str] = {}
        self._client = client

    def decide(self, ids: list[str], over: Event) -> None:
        luck = random.Random(self.name)
        waiting = set(ids)
        while waiting and not over.is_set():
            approval_id = luck.choice(sorted(waiting))
            choice = luck.choice(["approve", "approve", "reject"])
            try:
                answer = self._client.post(f"/approvals/{approval_id}/decide", json={"decision": choice})
            except httpx2.HTTPError:
                time.sleep(0.05)  # it is being killed; the same question comes again
                continue
            if answer.status_code == 200:
                self.acknowledged[approval_id] = choice
                waiting.discard(approval_id)
            elif answer.status_code == 409:
                waiting.discard(approval_id)
            else:
                assert answer.status_code == 503, answer.text
                time.sleep(0.05)


def test_killed_under_load_it_loses_no_decision_and_tells_each_run_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Killed again and again while people decide: acknowledged decisions stay, each run gets its one outcome, the trail is whole."""
    recovered_s: list[float] = []
    with contextlib.ExitStack() as stack:
        orchestrator, governance = stack.enter_context(platform(tmp_path))
        runs = stack.enter_context(client_of(orchestrator, "test", "operator"))
        asking = stack.enter_context(client_of(governance, "flow", "operator"))
        root = stack.enter_context(client_of(governance, "root", "admin"))
        ids = [f"a{number}" for number in range(APPROVALS)]
        for approval_id in ids:
            started = {"workflow": "chaos/waits", "input": 1, "id": f"run-{approval_id}"}
            assert runs.post("/runs", json=started).status_code == 202
            asked = {
                "id": approval_id,
                "title": "May it?",
                "run_id": f"run-{approval_id}",
                "signal": "approval",
                "four_eyes": 2,
            }
            assert asking.post("/approvals", json=asked).status_code == 201
        people = [
            Person(name, stack.enter_context(client_of(governance, name, "approver")))
            for name in ("p0", "p1", "p2", "p3")
        ]
        over = Event()
        with ThreadPoolExecutor(len(people)) as pool, ended(over):
            deciding = [pool.submit(person.decide, ids, over) for person in people]
            for _ in range(KILLS):
                done = sum(len(person.acknowledged) for person in people)
                until(lambda done=done: sum(len(person.acknowledged) for person in people) >= done + 6 or all(one.done() for one in deciding))  # fmt: skip
                began = time.monotonic()
                governance.kill()
                governance.start()
                recovered_s.append(time.monotonic() - began)
            until(lambda: all(one.done() for one in deciding))
            for one in deciding:
                one.result()
        settled = {one["id"]: one for one in pages(root, "/approvals")}
        until(lambda: all(delivered(root, approval_id) for approval_id in ids))
        for approval_id in ids:
            approval = settled[approval_id]
            said = {vote["by"]: vote["decision"] for vote in approval["decisions"]}
            for person in people:
                if approval_id in person.acknowledged:
                    assert said.get(person.name) == person.acknowledged[approval_id]
            history = runs.get(f"/runs/run-{approval_id}/history").json()["events"]
            signals = [event["payload"] for event in history if event["type"] == "signal_received"]
            assert [one["approval_id"] for one in signals] == [approval_id]
            assert signals[0]["decision"] == {"approved": "approve", "rejected": "reject"}[approval["status"]]
            assert runs.get(f"/runs/run-{approval_id}/queries/outcome").json() == signals[0]
        assert root.get("/audit/verification").json()["intact"]
    shown = ", ".join(f"{seconds:.2f}" for seconds in recovered_s)
    with capsys.disabled():
        sys.stdout.write(f"\n{APPROVALS} approvals, {KILLS} kills; seconds from SIGKILL to ready: {shown}\n")


def pages(client: httpx2.Client, path: str) -> Iterator[dict[str, Any]]:
    cursor: str | None = None
    for _ in itertools.count():
        params = {"limit": "200"} if cursor is None else {"limit": "200", "cursor": cursor}
        page = client.get(path, params=params).json()
        yield from page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return


def delivered(client: httpx2.Client, approval_id: str) -> bool:
    delivery = client.get(f"/approvals/{approval_id}").json()["delivery"]
    assert delivery is None or delivery["state"] != "undeliverable", json.dumps(delivery)
    return delivery is not None and delivery["state"] == "delivered"


@contextlib.contextmanager
def ended(over: Event) -> Iterator[None]:
    """Say at the end of the block that it is over, however it ends: the pool waits for those who decide."""
    try:
        yield
    finally:
        over.set()


def until(holds: Any) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, "it did not come to that in time"
        time.sleep(0.05)
