from __future__ import annotations

import asyncio
import socket
import subprocess
from collections.abc import Iterator
from datetime import timedelta

import pytest
from temporalio.client import Client
from temporalio.service import RPCError

from maestro_core_logging.testing import capture_logs
from maestro_workflow_engine import WorkflowEngine
from maestro_workflow_engine.dsl import load_document

ALLOWED, SENT = 5, 8
ALL = load_document(
    "document: {dsl: '1.0.3', namespace: test, name: all, version: 1.0.0}\n"
    f"do: [{{w: {{listen: {{to: {{any: [{{with: {{type: a}}}}], until: 'length == {SENT}'}}}}}}}}]"
)
ONE = load_document(
    "document: {dsl: '1.0.3', namespace: test, name: one, version: 1.0.0}\n"
    f"do: [{{w: {{listen: {{to: {{one: {{with: {{type: a, id: '{SENT - 1}'}}}}}}}}}}}}]"
)


@pytest.fixture
def address(temporal_binary: str) -> Iterator[str]:
    """A server that allows a run few signals."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    limit = f"history.maximumSignalsPerExecution={ALLOWED}"
    command = [temporal_binary, "server", "start-dev", "--headless", "--ip", "127.0.0.1", "--port", str(port)]
    server = subprocess.Popen([*command, "--log-level", "error", "--dynamic-config-value", limit])
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.kill()
        server.wait()


async def test_beyond_the_clusters_limit_a_run_hears_no_more_and_the_others_do(address: str):
    """What a run may not take is told in the log, and does not hold up the event's way to others."""
    async with asyncio.timeout(60):
        while True:
            try:
                await Client.connect(address)
                break
            except (RPCError, RuntimeError):
                await asyncio.sleep(0.1)
    with capture_logs() as logs:
        async with WorkflowEngine(
            f"temporal://{address}/default?task_queue=q", workflows=[ALL.as_workflow(), ONE.as_workflow()]
        ) as engine:
            full, other = await engine.start("test/all", {}), await engine.start("test/one", {})
            async with asyncio.timeout(60):
                for handle in (full, other):
                    while not any(wait.kind == "event" for wait in (await handle.status()).waiting_for):
                        await asyncio.sleep(0.05)
                for number in range(SENT):
                    await engine.publish_event({"id": str(number), "source": "tests", "type": "a", "data": number})
            assert await other.result(timedelta(seconds=60)) == [SENT - 1]
            heard = [event for event in await full.history() if event.type == "event_received"]
    assert len(heard) == ALLOWED
    refused = [line["run_id"] for line in logs if line["event"] == "Run takes no more events"]
    assert refused == [full.id] * (SENT - ALLOWED)
