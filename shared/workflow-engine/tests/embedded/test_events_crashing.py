"""SIGKILL at every boundary of the journal while runs listen, emit, and are started by events."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from maestro_workflow_engine.embedded import _crash_points

RUNS = 5
WORKER = """
import asyncio, sys
from maestro_workflow_engine import WorkflowEngine
from maestro_workflow_engine.dsl import DocumentSchedules, load_document
from maestro_workflow_engine.embedded import _crash_points

FOLDER, RUNS = sys.argv[1], int(sys.argv[2])
HEAD = "document: {dsl: '1.0.3', namespace: test, name: NAME, version: '1.0.0'}\\n"

ORDER = load_document(HEAD.replace("NAME", "order") + '''
do:
  - paid:
      listen:
        to:
          all:
            - with: {type: paid}
              correlate: {order: {from: .data.order, expect: '${ .n }'}}
            - with: {type: packed, data: '${ .order == $workflow.input.n }'}
      output: {as: 'map(.order)'}
  - done: {emit: {event: {with: {type: done, data: {order: '${ .[0] }'}}}}}
''')
COUNTER = load_document(HEAD.replace("NAME", "counter") + '''
do:
  - count:
      listen: {to: {any: [{with: {type: done}}], until: '${ length == $workflow.input }'}}
      foreach: {do: [{keep: {set: {order: '${ $item.order }'}}}]}
  - sorted: {set: {orders: '${ map(.order) | sort }'}}
''')


STARTED = load_document(HEAD.replace("NAME", "started") + '''
schedule: {on: {all: [{with: {type: paid}}, {with: {type: packed}}]}}
do: [{a: {set: {orders: '${ $workflow.input | map(.order) }'}}}]
''')


class Log:
    async def send(self, event):
        with open(f"{FOLDER}/told", "a") as log:
            log.write(event["id"] + chr(10))


async def main() -> None:
    if len(sys.argv) > 3:
        _crash_points.arm(sys.argv[3], int(sys.argv[4]))
    workflows = [ORDER.as_workflow(lifecycle_events=True), COUNTER.as_workflow(), STARTED.as_workflow()]
    async with WorkflowEngine(
        f"sqlite:///{FOLDER}/journal.db", workflows=workflows, max_workflows_in_memory=2, event_sink=Log()
    ) as engine:
        await DocumentSchedules(engine).put(STARTED)
        trigger = engine.handle("test.started.on:1.0.0")
        counter = await engine.start("test/counter", RUNS, id="counter")
        orders = [await engine.start("test/order", {"n": n}, id=f"order{n}") for n in range(RUNS)]
        for handle in (trigger, counter, *orders):
            while (status := await handle.status()).status.is_open and not status.waiting_for:
                await asyncio.sleep(0.001)
        for kind in ("paid", "packed"):
            for n in range(RUNS):
                event = {"id": f"{kind}{n}", "source": "shop", "type": kind, "data": {"order": n}}
                await engine.publish_event(event)
                assert not await engine.publish_event(event)
        assert await counter.result() == {"orders": list(range(RUNS))}
        for handle in orders:
            assert (await handle.result())["type"] == "done"
        while await engine.count(workflow="test/started", status="completed") < 1:
            await asyncio.sleep(0.001)
        while not all(f"order{n}.10.workflow.completed" in open(f"{FOLDER}/told").read() for n in range(RUNS)):
            await asyncio.sleep(0.001)
    print("finished")


asyncio.run(main())
"""


def run(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    script = folder / "worker.py"
    script.write_text(WORKER)
    return subprocess.Popen(
        [sys.executable, str(script), str(folder), str(RUNS), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def count(folder: Path, kind: str, run_like: str) -> dict[str, int]:
    with sqlite3.connect(folder / "journal.db") as connection:
        rows = connection.execute(
            "SELECT r.id, sum(json_extract(h.event, '$.type') = ?) FROM history h JOIN runs r ON r.key = h.run"
            " WHERE r.id LIKE ? GROUP BY r.id",
            (kind, run_like),
        ).fetchall()
    connection.close()
    return dict(rows)


@pytest.mark.parametrize("hits", [4, 15])
@pytest.mark.parametrize("point", [_crash_points.BEFORE_COMMIT, _crash_points.AFTER_COMMIT, _crash_points.BEFORE_APPLY,
                                   _crash_points.AFTER_APPLY])  # fmt: skip
def test_death_at_a_boundary_neither_loses_nor_repeats_an_event(tmp_path: Path, point: str, hits: int) -> None:
    """Each run heard each of its events once and emitted once; events started one run; all of its life was told."""
    process = run(tmp_path, point, str(hits))
    _, errors = process.communicate(timeout=100)
    assert process.returncode == -signal.SIGKILL, errors
    process = run(tmp_path)
    output, errors = process.communicate(timeout=100)
    assert (process.returncode, output) == (0, "finished\n"), errors
    assert count(tmp_path, "event_received", "order%") == {f"order{n}": 2 for n in range(RUNS)}
    assert count(tmp_path, "event_published", "order%") == {f"order{n}": 1 for n in range(RUNS)}
    assert count(tmp_path, "event_received", "counter") == {"counter": RUNS}
    assert sum(count(tmp_path, "run_completed", "test.started@%").values()) == 1
    told = set((tmp_path / "told").read_text().split())
    for n in range(RUNS):
        numbers = [int(each.split(".")[1]) for each in told if each.startswith(f"order{n}.")]
        assert sorted(numbers) == list(range(1, 11))
    with sqlite3.connect(tmp_path / "journal.db") as connection:
        assert connection.execute("SELECT r.id FROM subscriptions JOIN runs r ON r.key = run").fetchall() == [
            ("test.started.on:1.0.0",)
        ]
        assert connection.execute("SELECT count(*) FROM events").fetchone() == (13 * RUNS,)
    connection.close()
