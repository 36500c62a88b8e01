"""The gateway and the orchestrator are killed while webhooks come in: every acknowledged delivery runs exactly once."""

import asyncio
import base64
import random
import socket
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx2
import pytest

from maestro_core_api import issue_token
from orchestration_gateway.testing import ServiceProcess
from orchestration_gateway.triggers.signatures import standard_headers

pytestmark = pytest.mark.slow
SECRET = "a-secret-of-at-least-thirty-two-bytes"
KEY = "whsec_" + base64.b64encode(b"k" * 32).decode()
KILLS = 4
BETWEEN_S = 0.7
LIMIT_S = 60.0
SENDERS = 6
NOTE = """
from pathlib import Path

from maestro_workflow_engine import step


@step
def note(file: str, line: str) -> str:
    with Path(file).open("a") as notes:
        notes.write(f"{line}\\n")
    return line
"""
DOCUMENT = """
document: {dsl: '1.0.3', namespace: chaos, name: note, version: 1.0.0}
do: [{kept: {call: note, with: {file: '${ .file }', line: '${ .id + " " + $workflow.id }'}}}]
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Pair:
    """A gateway and an orchestrator in processes of their own, on ports that stay."""

    def __init__(self, folder: Path) -> None:
        common = {"MAESTRO_JWT_SECRET": SECRET, "MAESTRO_DATA_DIR": str(folder / "data")}
        ports = (free_port(), free_port())
        (folder / "modules").mkdir()
        (folder / "modules" / "chaos_note.py").write_text(NOTE)
        self.orchestrator_url, self.gateway_url = (f"http://127.0.0.1:{port}" for port in ports)
        self.orchestrator = ServiceProcess(
            "maestro",
            folder / "orchestrator",
            {
                **common,
                "MAESTRO_ORCHESTRATOR_PORT": str(ports[0]),
                "MAESTRO_ORCHESTRATOR_WORKFLOW_MODULES": '["chaos_note"]',
                "PYTHONPATH": str(folder / "modules"),
            },
        )
        self.gateway = ServiceProcess(
            "orchestration_gateway",
            folder / "gateway",
            {
                **common,
                "ORCHESTRATION_GATEWAY_PORT": str(ports[1]),
                "ORCHESTRATION_GATEWAY_ORCHESTRATOR_URL": self.orchestrator_url,
                "ORCHESTRATION_GATEWAY_QUOTA": '{"starts": 1000000}',
            },
        )

    def client(self, url: str) -> httpx2.AsyncClient:
        token = issue_token(SECRET, subject="chaos", roles=["admin"])
        return httpx2.AsyncClient(
            base_url=url, headers={"Authorization": f"Bearer {token}"}, trust_env=False, timeout=10
        )


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    made = Pair(tmp_path)
    try:
        yield made
    finally:
        made.gateway.close()
        made.orchestrator.close()


async def send_until_told(pair: Pair, sent: dict[str, str | None], over: asyncio.Event, number: int) -> None:
    """Send messages one after the other, each until it is acknowledged or the storm is over, as senders do."""
    async with httpx2.AsyncClient(base_url=pair.gateway_url, trust_env=False, timeout=5) as client:
        count = 0
        while not over.is_set():
            count += 1
            message = f"m{number}-{count}"
            sent[message] = None
            body = f'{{"id": "{message}"}}'.encode()
            while not over.is_set():
                headers = standard_headers(KEY, message, datetime.now(UTC), body)
                try:
                    answer = await client.post("/hooks/notes", content=body, headers=headers)
                except httpx2.TransportError:
                    await asyncio.sleep(0.05)
                    continue
                if answer.status_code == 202:
                    sent[message] = answer.json()["run_id"]
                    break
                assert answer.status_code in {503, 507}, answer.text
                await asyncio.sleep(0.05)


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


async def storm(pair: Pair, sent: dict[str, str | None]) -> None:
    """Kill the two in turns while senders send."""
    over = asyncio.Event()
    luck = random.Random(7)
    senders = [asyncio.create_task(send_until_told(pair, sent, over, number)) for number in range(SENDERS)]
    for kill in range(KILLS):
        await asyncio.sleep(BETWEEN_S + luck.random() * 0.3)
        victim = pair.gateway if kill % 2 == 0 else pair.orchestrator
        began = time.monotonic()
        await asyncio.to_thread(victim.kill)
        await asyncio.to_thread(victim.start)
        say(f"{'gateway' if kill % 2 == 0 else 'orchestrator'} back after {time.monotonic() - began:.2f} s")
    await asyncio.sleep(BETWEEN_S)
    over.set()
    await asyncio.gather(*senders)


async def all_runs(orchestrator: httpx2.AsyncClient) -> dict[str, str]:
    runs: dict[str, str] = {}
    cursor: str | None = None
    while True:
        params = {"limit": 1_000, **({} if cursor is None else {"cursor": cursor})}
        page = (await orchestrator.get("/runs", params=params)).json()
        runs |= {run["id"]: run["status"] for run in page["runs"]}
        cursor = page["next_cursor"]
        if cursor is None:
            return runs


async def settled(gateway: httpx2.AsyncClient, orchestrator: httpx2.AsyncClient) -> None:
    async with asyncio.timeout(LIMIT_S):
        while True:
            waiting = (await gateway.get("/deliveries", params={"status": "waiting"})).json()["deliveries"]
            at_work = (await orchestrator.get("/runs/count", params={"status": ["running", "queued"]})).json()["count"]
            if not waiting and at_work == 0:
                return
            await asyncio.sleep(0.05)


@pytest.mark.timeout(240)
async def test_every_acknowledged_delivery_runs_exactly_once(pair: Pair, tmp_path: Path) -> None:
    """After four kills of either process at random moments, each acknowledged message has left one note and has one run."""
    notes = tmp_path / "notes"
    notes.touch()
    pair.orchestrator.start()
    pair.gateway.start()
    sent: dict[str, str | None] = {}
    async with pair.client(pair.orchestrator_url) as orchestrator, pair.client(pair.gateway_url) as gateway:
        assert (await orchestrator.put("/workflows/chaos/note/1.0.0", content=DOCUMENT)).status_code == 201
        mapped = f'{{id: .body.id, file: "{notes}"}}'
        trigger = {"kind": "webhook", "workflow": "chaos/note", "secrets": [KEY], "input": mapped}
        assert (await gateway.put("/triggers/notes", json=trigger)).status_code == 201
        await storm(pair, sent)
        acknowledged = {message: run for message, run in sent.items() if run is not None}
        assert len(acknowledged) > 20
        began = time.monotonic()
        await settled(gateway, orchestrator)
        took = time.monotonic() - began
        say(f"{len(acknowledged)} of {len(sent)} acknowledged; all settled {took:.2f} s after the storm")
        runs = await all_runs(orchestrator)
        dead = (await gateway.get("/deliveries", params={"status": "dead"})).json()["deliveries"]
    assert dead == []
    assert len(set(acknowledged.values())) == len(acknowledged)
    assert {runs.get(run or "") for run in acknowledged.values()} == {"completed"}
    written = notes.read_text().splitlines()
    noted = dict(line.split(" ") for line in written)
    # A message that was never acknowledged may have been kept, or not; none has more than one run.
    assert len(noted) == len(set(written)) == len(runs)
    assert acknowledged.items() <= noted.items()
    assert set(noted) <= set(sent)
    # A step whose process is killed between its effect and its journal runs again: only what was at work then can do so.
    assert len(written) - len(set(written)) <= KILLS * SENDERS
