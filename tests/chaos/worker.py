"""The process that the fault suite kills: it runs workflows of every kind and keeps an outside record of what it did.

Usage: worker.py FOLDER RUNS [CRASH_POINT HITS]
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from maestro_workflow_engine import RetryPolicy, WorkflowEngine, receive, set_attributes, step, step_info, workflow
from maestro_workflow_engine.embedded import _crash_points

FOLDER, RUNS = Path(sys.argv[1]), int(sys.argv[2])


def record(line: str) -> None:
    """Append one line to the outside record; a line is written whole or not at all."""
    file = os.open(FOLDER / "record", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(file, f"{line}\n".encode())
    os.close(file)


@step(retry=RetryPolicy(max_attempts=3, initial_interval=RetryPolicy().initial_interval / 500))
async def act(name: str) -> str:
    """Leave a trace; every third name fails at first."""
    if name.endswith("flaky") and step_info().attempt == 1:
        raise OSError("at first")
    record(f"{step_info().idempotency_key} {name}")
    return name


@workflow
async def child(name: str) -> str:
    """A run of its own."""
    await asyncio.sleep(0.001)
    return await act(f"{name} child")


@workflow
async def mixed(name: str) -> list[str]:
    """Steps in turn and at once, a timer, a signal, a retry, a child and search attributes."""
    first = await act(f"{name} first")
    set_attributes(stage="first", words=["a", name])
    both = await asyncio.gather(act(f"{name} left"), act(f"{name} flaky"))
    await asyncio.sleep(0.001)
    got = await receive("go")
    waited = [first, *both, str(got), await child(name)]
    set_attributes(stage="last", words=None)
    return [*waited, await act(f"{name} last")]


def expected(name: str) -> list[str]:
    """What `mixed` returns."""
    return [f"{name} first", f"{name} left", f"{name} flaky", "went", f"{name} child", f"{name} last"]


async def main() -> None:
    """Start every run, signal it once, and wait for all; say what is acknowledged as soon as it is."""
    if len(sys.argv) > 3:
        _crash_points.arm(sys.argv[3], int(sys.argv[4]))
    url = f"sqlite:///{FOLDER}/journal.db"
    async with WorkflowEngine(url, workflows=[mixed, child], max_workflows_in_memory=3) as engine:

        async def one(number: int) -> None:
            run_id = f"r{number}"
            handle = await engine.start(mixed, run_id, id=run_id)
            record(f"acknowledged start {run_id}")
            if not any(event.type == "signal_received" for event in await handle.history()):
                await handle.signal("go", "went")
            record(f"acknowledged signal {run_id}")
            result = await handle.result()
            assert result == expected(run_id), result
            record(f"acknowledged result {run_id}")

        async def hold_up() -> None:
            for _ in range(12):
                await engine.pause_workflow(mixed, reason="chaos")
                await asyncio.sleep(0.001)
                await engine.resume_workflow(mixed)

        await asyncio.gather(hold_up(), *(one(number) for number in range(RUNS)))
        assert await engine.count(attributes={"stage": "last"}) == RUNS
        assert await engine.count(attributes={"stage": "first"}) == 0
    sys.stdout.write("finished\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main())
