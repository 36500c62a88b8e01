"""Journals full of waiting runs, and the process that moves them away until it is killed."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import moving_workflows as w

from maestro_workflow_engine import IntervalSpec, WorkflowEngine, WorkflowNotFoundError
from maestro_workflow_engine.embedded import _crash_points
from maestro_workflow_engine.moving import Move, carry_out

LONG = timedelta(seconds=60)
SELDOM = IntervalSpec(timedelta(days=300))
LISTENING = ("left", "handle", "middle-inner")


async def until(wanted: Callable[[], Awaitable[bool]]) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(30):
        while not await wanted():
            await asyncio.sleep(0.01)


def ran(record: Path) -> list[str]:
    """Return the texts of the steps that ran, in order."""
    return [line.split()[0] for line in lines(record)]


def lines(record: Path) -> list[str]:
    """Return what the steps left: text, idempotency key and attempt of each."""
    return record.read_text().splitlines()


async def waits(engine: WorkflowEngine, run_id: str, kind: str) -> None:
    """Wait until a run is there and waits for something of a kind."""

    async def does() -> bool:
        try:
            return kind in [wait.kind for wait in (await engine.handle(run_id).status()).waiting_for]
        except WorkflowNotFoundError:  # a cluster starts a child a little after its parent
            return False

    await until(does)


async def settle(url: str, record: Path, count: int) -> None:
    """Leave so many families, each of a parent, three children and a grandchild; as many listeners; as many schedules."""
    async with WorkflowEngine(url, workflows=w.ALL) as engine:
        for number in range(count):
            await engine.start(w.parent, str(record), id=f"p{number}")
            await engine.start(w.listener, str(record), 1, id=f"l{number}")
            await engine.schedule(f"s{number}", w.plain, str(record), "scheduled", spec=SELDOM)
        for number in range(count):
            for run_id in (f"l{number}", *(f"p{number}-{name}" for name in LISTENING)):
                await waits(engine, run_id, "signal")


async def finish(url: str, count: int) -> dict[str, Any]:
    """Let families and listeners go on to their ends and return their results by id."""
    async with WorkflowEngine(url, workflows=w.ALL) as engine:
        for number in range(count):
            await engine.handle(f"l{number}").signal("begin")
            await engine.handle(f"l{number}").signal("item", "x")
            for name in LISTENING:
                await waits(engine, f"p{number}-{name}", "signal")
                await engine.handle(f"p{number}-{name}").signal("answer", "yes")
        ids = [run_id for number in range(count) for run_id in (f"p{number}", f"l{number}", f"p{number}-left")]
        return {run_id: await engine.handle(run_id).result(LONG) for run_id in ids}


def expected(count: int) -> tuple[dict[str, Any], list[str]]:
    """Return the results of `finish`, and the steps that then have run, sorted."""
    results: dict[str, Any] = {}
    steps: list[str] = []
    for number in range(count):
        results[f"p{number}"] = [f"inner-yes of p{number}", "handle-yes"]
        results[f"l{number}"] = ["x"]
        results[f"p{number}-left"] = "left-yes"
        names = [f"{name}-{what}" for name in ("left", "handle", "inner") for what in ("begun", "yes")]
        steps += [*names, f"parent-of-p{number}-left", "listening", "heard"]
    return results, sorted(steps)


if __name__ == "__main__":
    from_url, to_url, *crash = sys.argv[1:]
    if crash:
        _crash_points.arm(crash[0], int(crash[1]))
    print("begun", flush=True)  # noqa: T201  the test waits for it
    asyncio.run(carry_out(Move(source=from_url, target=to_url, workflows=w.ALL)))
