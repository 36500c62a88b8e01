"""After SIGKILL: how long it takes until every run that was at work has ended, against the number of them."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from benchmarks.engine._figures import Row
from benchmarks.engine._processes import run_phase

from maestro_workflow_engine import WorkflowDefinition, WorkflowEngine, step, workflow


def _interrupted(reach: Callable[[], Awaitable[None]]) -> WorkflowDefinition[[int], int]:
    """Return a workflow of two quick steps and a third that does `reach`."""

    @step
    async def add(a: int, b: int) -> int:
        return a + b

    @step
    async def last(n: int) -> int:
        await reach()
        return n + 1

    @workflow
    async def interrupted(n: int) -> int:
        return await last(await add(await add(n, 1), 1))

    return interrupted


async def measure(folder: Path, *, counts: list[int]) -> dict[str, Any]:
    """For each count: have that many runs in their third step, kill the process, recover in a new one.

    Returns:
        `points`: for each count `runs`, `open_s` (the journal opened and every run replayed) and `recovered_s` (and ended).
    """
    points = []
    for count in counts:
        place = folder / str(count)
        place.mkdir()
        await asyncio.to_thread(run_phase, f"{__name__}:die", place, runs=count)
        points.append(await asyncio.to_thread(run_phase, f"{__name__}:recover", place, runs=count))
    return {"points": points}


async def die(folder: Path, *, runs: int) -> None:
    """Bring runs into their third step, then kill this process."""
    reached = 0
    everyone = asyncio.Event()

    async def reach() -> None:
        nonlocal reached
        reached += 1
        if reached == runs:
            everyone.set()
        await asyncio.Event().wait()

    definition = _interrupted(reach)
    async with WorkflowEngine(_url(folder), workflows=[definition]) as engine:
        await asyncio.gather(*(engine.start(definition, n, id=f"run-{n}") for n in range(runs)))
        await everyone.wait()
        os.kill(os.getpid(), signal.SIGKILL)


async def recover(folder: Path, *, runs: int) -> dict[str, float]:
    """Open what the killed process left and wait for every run's result."""

    async def reach() -> None:
        return

    begun = time.perf_counter()
    async with WorkflowEngine(_url(folder), workflows=[_interrupted(reach)]) as engine:
        opened = time.perf_counter()
        results = await asyncio.gather(*(engine.handle(f"run-{n}").result() for n in range(runs)))
        ended = time.perf_counter()
    assert results == [n + 3 for n in range(runs)]
    return {"runs": runs, "open_s": opened - begun, "recovered_s": ended - begun}


def rows(figures: dict[str, Any]) -> list[Row]:
    """Tell the figures; linear means that a run among many costs about what one among few does."""
    points = figures["points"]
    each = [point["recovered_s"] / point["runs"] * 1e6 for point in points]
    curve = ", ".join(
        f"{point['runs']:,}: {point['recovered_s']:.2f} s ({cost:.0f} µs each)"
        for point, cost in zip(points, each, strict=True)
    )
    ratio = each[-1] / each[0]
    return [
        Row("recovery after SIGKILL, by unfinished runs", curve),
        Row("… cost of a run among the most against the fewest", f"{ratio:.2f} x", "≤ 1.5 x", ratio <= 1.5),
    ]


def _url(folder: Path) -> str:
    return f"sqlite:///{folder}/journal.db"
