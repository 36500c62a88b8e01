"""Runs that only sleep: what they cost in memory, and how soon after a restart all of them are taken up again."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

from benchmarks.engine._figures import Row
from benchmarks.engine._processes import run_phase
from benchmarks.engine.ours._memory import resident_bytes

from maestro_workflow_engine import WorkflowEngine, workflow

_DUE, _AT_ONCE, _SOON_S, _LONG_S = 100, 1000, 2.0, 86_400.0


@workflow
async def sleeper(seconds: float) -> str:
    await asyncio.sleep(seconds)
    return "awake"


async def measure(folder: Path, *, runs: int) -> dict[str, Any]:
    """Let that many runs sleep, look at the memory, and open the journal again in a new process.

    Returns:
        `runs`; `bytes`, the memory above the same engine when it was idle; `start_s`; `restart_s`, from opening the journal
        until 100 runs whose time came while it was closed have ended; `open_s`, the share that opening took.
    """
    async with WorkflowEngine(_url(folder), workflows=[sleeper]) as engine:
        await asyncio.gather(*(_finished(engine, n) for n in range(200)))
        idle = resident_bytes()
        begun = time.perf_counter()
        for first in range(0, runs - _DUE, _AT_ONCE):
            batch = range(first, min(first + _AT_ONCE, runs - _DUE))
            await asyncio.gather(*(engine.start(sleeper, _LONG_S, id=f"long-{n}") for n in batch))
        await asyncio.gather(*(engine.start(sleeper, _SOON_S, id=f"due-{n}") for n in range(_DUE)))
        due = time.time() + _SOON_S
        taken = time.perf_counter() - begun
        above = resident_bytes() - idle
    reopened = await asyncio.to_thread(run_phase, f"{__name__}:reopen", folder, due=due)
    return {"runs": runs, "bytes": above, "start_s": taken, **reopened}


async def reopen(folder: Path, *, due: float) -> dict[str, float]:
    """Open the journal once the time of some runs has come, and wait for those."""
    await asyncio.sleep(max(0.0, due - time.time()))
    begun = time.perf_counter()
    async with WorkflowEngine(_url(folder), workflows=[sleeper]) as engine:
        opened = time.perf_counter()
        await asyncio.gather(*(engine.handle(f"due-{n}").result() for n in range(_DUE)))
        resumed = time.perf_counter()
    return {"open_s": opened - begun, "restart_s": resumed - begun}


def rows(figures: dict[str, Any]) -> list[Row]:
    """Tell the figures."""
    megabytes, runs = figures["bytes"] / 1e6, figures["runs"]
    allowed = 200 * runs / 100_000
    return [
        Row(
            f"{runs:,} sleeping runs, memory above idle",
            f"{megabytes:.1f} MB",
            f"≤ {allowed:g} MB",
            megabytes <= allowed,
        ),
        Row(
            f"{runs:,} sleeping runs, resumed after a restart",
            f"{figures['restart_s']:.2f} s",
            "≤ 10 s",
            figures["restart_s"] <= 10,
        ),
    ]


async def _finished(engine: WorkflowEngine, n: int) -> None:
    await (await engine.start(sleeper, 0.001, id=f"warm-{n}")).result()


def _url(folder: Path) -> str:
    return f"sqlite:///{folder}/journal.db"
