"""The work that every system does: three steps, each adds one; 100 runs at a time, then one run alone."""

from __future__ import annotations

import asyncio
import importlib
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.engine._figures import quantile
from benchmarks.engine._machine import fsyncs_per_s

STEPS = 3
AT_ONCE = 100
_WARM_UP = 20
_FEWEST_ALONE, _MOST_ALONE = 10, 300


@dataclass(frozen=True)
class Subject:
    """A system that is open and ready."""

    title: str
    """What the table calls it."""

    durability: str
    """What makes its steps durable, in a few words."""

    versions: dict[str, str]
    """Versions of what takes part, by name."""

    run: Callable[[int], Awaitable[int]]
    """Takes one run of the three-step workflow from start to finish; returns its argument plus three."""

    at_once: int = AT_ONCE
    """How many runs it is given at a time; less than 100 only where 100 bring it to a halt, and then its title says so."""


Opened = Callable[[Path], AbstractAsyncContextManager[Subject]]


async def measure(folder: Path, *, module: str, seconds: float) -> dict[str, Any]:
    """Open a system and measure it.

    Args:
        folder: Where it keeps its files.
        module: The module of `peers` that opens it.
        seconds: About how long to measure throughput; slow systems take longer, for they do at least 100 runs.

    Returns:
        Title, durability and versions; `fsyncs_per_s`, what the disk gave just before; `steps_per_s`, `runs`; `alone_p50_ms`, `alone_p99_ms`, `alone_runs`.
    """
    disk = fsyncs_per_s(folder / "fsync", min(0.5, seconds))
    opened: Opened = importlib.import_module(module).opened
    async with opened(folder) as subject:
        warm_up = min(_WARM_UP, 5 * subject.at_once)
        await steps_per_second(subject.run, warm_up, subject.at_once)
        estimate = await steps_per_second(subject.run, warm_up, subject.at_once)
        runs = max(subject.at_once, int(estimate * seconds / STEPS))
        rate = await steps_per_second(subject.run, runs, subject.at_once)
        alone = await alone_ms(subject.run, seconds / 2)
    return {
        "title": subject.title,
        "durability": subject.durability,
        "versions": subject.versions,
        "fsyncs_per_s": disk,
        "steps_per_s": rate,
        "runs": runs,
        "alone_p50_ms": quantile(alone, 0.50),
        "alone_p99_ms": quantile(alone, 0.99),
        "alone_runs": len(alone),
    }


async def steps_per_second(run: Callable[[int], Awaitable[int]], runs: int, at_once: int = AT_ONCE) -> float:
    """Do that many runs, so many at a time.

    Returns:
        Durable steps per second, from the first start to the last result.
    """
    numbers = iter(range(runs))

    async def one_after_another() -> None:
        for n in numbers:
            _check(await run(n), n)

    begun = time.perf_counter()
    await asyncio.gather(*(one_after_another() for _ in range(min(at_once, runs))))
    return STEPS * runs / (time.perf_counter() - begun)


async def alone_ms(run: Callable[[int], Awaitable[int]], seconds: float) -> list[float]:
    """Do one run after another for a while.

    Returns:
        What each took from start to result, in ms.
    """
    taken: list[float] = []
    until = time.perf_counter() + seconds
    while len(taken) < _FEWEST_ALONE or (len(taken) < _MOST_ALONE and time.perf_counter() < until):
        begun = time.perf_counter()
        _check(await run(len(taken)), len(taken))
        taken.append((time.perf_counter() - begun) * 1000)
    return taken


def _check(result: int, n: int) -> None:
    if result != n + STEPS:
        raise AssertionError(f"a run of {n} gave {result}")
