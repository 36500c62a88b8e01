"""SIGKILL at every boundary of the journal while runs start children, signal each other, beat and compensate."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from maestro_workflow_engine.embedded import _crash_points

RUNS = 6
WORKER = """
import asyncio, sys
from datetime import timedelta
from maestro_workflow_engine import (
    ParentClose, RetryPolicy, Saga, WorkflowEngine, heartbeat, receive, signal_run, start_child, step, step_info, workflow,
)
from maestro_workflow_engine.embedded import _crash_points

FOLDER, RUNS = sys.argv[1], int(sys.argv[2])
LARGE = "x" * 3000


@step(retry=RetryPolicy(max_attempts=2, initial_interval=timedelta(milliseconds=1)), heartbeat_timeout=timedelta(seconds=30))
async def beats(n: int) -> str:
    if step_info().attempt == 1:
        heartbeat(f"at {n}")
        raise OSError("at first")
    said = step_info().last_heartbeat
    assert said == f"at {n}", said
    return "beat"


@step
async def note(what: str) -> str:
    return what


@workflow
async def sink(count: int) -> list[int]:
    return sorted([await receive("hit") for _ in range(count)])


@workflow
async def forgotten(text: str) -> int:
    await asyncio.sleep(0.005)
    return len(text)


@workflow
async def bound() -> None:
    try:
        await receive("never")
    finally:
        await note("cleaned")


@workflow
async def order(n: int) -> str:
    asked = await start_child(bound, id=f"asked{n}")
    await start_child(bound, id=f"bound{n}")
    await signal_run("sink", "hit", n)
    await asked.cancel()
    try:
        async with Saga() as saga:
            saga.add(note, "undone")
            await beats(n)
            raise ValueError("now undo")
    except ValueError:
        await start_child(forgotten, LARGE, id=f"free{n}", on_parent_close=ParentClose.ABANDON)
    return "over"


async def main() -> None:
    if len(sys.argv) > 3:
        _crash_points.arm(sys.argv[3], int(sys.argv[4]))
    async with WorkflowEngine(
        f"sqlite:///{FOLDER}/journal.db", workflows=[sink, forgotten, bound, order],
        payload_store=f"file://{FOLDER}/store", payload_limit_bytes=1000,
    ) as engine:
        counts = await engine.start(sink, RUNS, id="sink")
        orders = [await engine.start(order, n, id=f"order{n}") for n in range(RUNS)]
        assert [await each.result() for each in orders] == ["over"] * RUNS
        assert await counts.result() == list(range(RUNS))
        for n in range(RUNS):
            assert await engine.handle(f"free{n}").result() == len(LARGE)
            for name in ("asked", "bound"):
                async for _ in engine.watch(f"{name}{n}"):
                    pass
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


def check(folder: Path) -> None:
    """Every request was delivered once, every child is where its policy wants it, and no sign of life is left."""
    assert count(folder, "signal_received", "sink") == {"sink": RUNS}
    for name in ("asked", "bound"):
        assert count(folder, "cancel_requested", f"{name}%") == {f"{name}{n}": 1 for n in range(RUNS)}
        assert count(folder, "run_cancelled", f"{name}%") == {f"{name}{n}": 1 for n in range(RUNS)}
    assert count(folder, "step_failed", "order%") == {f"order{n}": 0 for n in range(RUNS)}
    assert count(folder, "step_completed", "order%") == {f"order{n}": 2 for n in range(RUNS)}
    assert count(folder, "child_started", "order%") == {f"order{n}": 3 for n in range(RUNS)}
    with sqlite3.connect(folder / "journal.db") as connection:
        assert connection.execute("SELECT count(*) FROM heartbeats").fetchone() == (0,)
    connection.close()


@pytest.mark.parametrize("hits", [3, 20])
@pytest.mark.parametrize("point", [point for point in _crash_points.ALL if point != _crash_points.WORKFLOW_RESUMED])
def test_death_at_a_boundary_neither_loses_nor_repeats_what_runs_do_to_each_other(
    tmp_path: Path, point: str, hits: int
):
    """Die at a named place, start again, and look at what the journal says."""
    process = run(tmp_path, point, str(hits))
    _, errors = process.communicate(timeout=100)
    assert process.returncode == -signal.SIGKILL, errors
    process = run(tmp_path)
    output, errors = process.communicate(timeout=100)
    assert (process.returncode, output) == (0, "finished\n"), errors
    check(tmp_path)
