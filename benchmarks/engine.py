"""Durable steps per second: three-step runs, 100 at a time, fsync on, beside one SQLite commit per step.

The floor beside it is what a straightforward journal costs: one `INSERT` and one `COMMIT` (synchronous=FULL, WAL) for each
step, on the same disk in the same run.
"""

from __future__ import annotations

import asyncio
import sqlite3
import statistics
import tempfile
import time
from pathlib import Path

from maestro_workflow_engine import WorkflowEngine, step, workflow

RUNS, AT_ONCE, ALONE = 3000, 100, 200


@step
async def add(a: int, b: int) -> int:
    return a + b


@workflow
async def three_steps(n: int) -> int:
    return await add(await add(await add(n, 1), 1), 1)


async def engine(folder: str) -> tuple[float, float]:
    """Return steps per second and the median latency of a run alone, in ms."""
    async with WorkflowEngine(f"sqlite:///{folder}/engine.db", workflows=[three_steps]) as opened:
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(n: int) -> None:
            async with gate:
                assert await (await opened.start(three_steps, n)).result() == n + 3

        begun = time.perf_counter()
        await asyncio.gather(*(one(n) for n in range(RUNS)))
        rate = 3 * RUNS / (time.perf_counter() - begun)
        alone = []
        for n in range(ALONE):
            begun = time.perf_counter()
            await (await opened.start(three_steps, n)).result()
            alone.append(time.perf_counter() - begun)
        return rate, statistics.median(alone) * 1000


def commit_per_step(folder: str) -> float:
    """Return commits per second of one INSERT each."""
    connection = sqlite3.connect(Path(folder) / "floor.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(
        "CREATE TABLE history (run INTEGER, position INTEGER, event BLOB, PRIMARY KEY (run, position)) WITHOUT ROWID"
    )
    event, count = b"x" * 120, 2000
    begun = time.perf_counter()
    for n in range(count):
        connection.execute("BEGIN")
        connection.execute("INSERT INTO history VALUES (?, ?, ?)", (n // 5, n % 5, event))
        connection.execute("COMMIT")
    return count / (time.perf_counter() - begun)


def main() -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory(dir=".") as folder:
        floor = commit_per_step(folder)
        rate, alone_ms = asyncio.run(engine(folder))
    print(f"engine: {rate:,.0f} durable steps/s ({RUNS} three-step runs, {AT_ONCE} at a time)")
    print(f"one SQLite commit per step: {floor:,.0f} steps/s; the engine does {rate / floor:.1f} x that")
    print(f"one three-step run alone: median {alone_ms:.2f} ms")


if __name__ == "__main__":
    main()
