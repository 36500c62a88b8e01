"""What a step takes on the disk: two journals that differ in nothing but the number of steps."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from benchmarks.engine._figures import Row

from maestro_workflow_engine import WorkflowEngine, step, workflow

_FEW, _MANY = 3, 13
_PAYLOAD_BYTES = len('{"a":100,"b":1}') + len("101")


@step
async def add(a: int, b: int) -> int:
    return a + b


@workflow
async def sums(n: int, steps: int) -> int:
    for _ in range(steps):
        n = await add(n, 1)
    return n


async def measure(folder: Path, *, runs: int) -> dict[str, Any]:
    """Do the runs with few steps and with many, and compare the closed files.

    Returns:
        `bytes_per_step`, input and output with it; `payload_bytes`, the share of those; `bytes_per_run`, what a run takes
        apart from its steps.
    """
    few, many = await _size(folder, runs, _FEW), await _size(folder, runs, _MANY)
    per_step = (many - few) / (runs * (_MANY - _FEW))
    return {
        "runs": runs,
        "bytes_per_step": per_step,
        "payload_bytes": _PAYLOAD_BYTES,
        "bytes_per_run": few / runs - per_step * _FEW,
    }


def rows(figures: dict[str, Any]) -> list[Row]:
    """Tell the figures."""
    without = figures["bytes_per_step"] - figures["payload_bytes"]
    return [
        Row("database bytes per step, without its payload", f"{without:.0f} B", "≤ 200 B", without <= 200),
        Row("database bytes per run, without its steps", f"{figures['bytes_per_run']:.0f} B"),
    ]


async def _size(folder: Path, runs: int, steps: int) -> int:
    journal = folder / f"{steps}.db"
    async with WorkflowEngine(f"sqlite:///{journal}", workflows=[sums]) as engine:

        async def one(n: int) -> None:
            await (await engine.start(sums, 100 + n % 800, steps)).result()

        for first in range(0, runs, 100):
            await asyncio.gather(*(one(n) for n in range(first, min(first + 100, runs))))
    return journal.stat().st_size
