"""One long run: whether a late step costs more than an early one, and how long its replay takes."""

from __future__ import annotations

import asyncio
import itertools
import time
from pathlib import Path
from typing import Any

from benchmarks.engine._figures import Row, median

from maestro_workflow_engine import WorkflowEngine, receive, step, workflow

_WINDOW = 200
_FIRST = 10


async def measure(folder: Path, *, steps: int) -> dict[str, Any]:
    """Do that many steps in one run, one after another; then close, open and wake it.

    Returns:
        `steps`; `early_ms` and `late_ms`, the median cost of the 200 steps from step 10 and of the last 200; `replay_s`,
        from opening the journal again to the result of the run, with all its history replayed in between.
    """
    moments: list[float] = []
    through = asyncio.Event()

    @step
    async def tick(n: int) -> int:
        moments.append(time.perf_counter())
        return n + 1

    @step
    async def arrive() -> None:
        through.set()

    @workflow
    async def long(count: int) -> int:
        n = 0
        while n < count:
            n = await tick(n)
        await arrive()
        await receive("go")
        return n

    url = f"sqlite:///{folder}/journal.db"
    async with WorkflowEngine(url, workflows=[long]) as engine:
        await engine.start(long, steps, id="long")
        await through.wait()
    begun = time.perf_counter()
    async with WorkflowEngine(url, workflows=[long]) as engine:
        handle = engine.handle("long")
        await handle.signal("go")
        await handle.result()
        replay = time.perf_counter() - begun
    costs = [(after - before) * 1000 for before, after in itertools.pairwise(moments)]
    window = min(_WINDOW, max(1, len(costs) // 4))
    return {
        "steps": steps,
        "early_ms": median(costs[min(_FIRST, len(costs) - window) :][:window]),
        "late_ms": median(costs[-window:]),
        "replay_s": replay,
    }


def rows(figures: dict[str, Any]) -> list[Row]:
    """Tell the figures."""
    ratio = figures["late_ms"] / figures["early_ms"]
    return [
        Row(
            f"step {figures['steps']:,} against step {_FIRST} of one run",
            f"{ratio:.2f} x ({figures['early_ms']:.3f} → {figures['late_ms']:.3f} ms)",
            "≤ 1.5 x",
            ratio <= 1.5,
        ),
        Row(f"restart, replay and end of that run ({figures['steps']:,} steps)", f"{figures['replay_s']:.2f} s"),
    ]
