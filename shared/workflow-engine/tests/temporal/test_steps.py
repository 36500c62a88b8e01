"""Steps as activities: options, limits, signs of life, and workers that are lost."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import time
from datetime import timedelta
from pathlib import Path

from maestro_workflow_engine import (
    NonRetryableError,
    RetryAfterError,
    RetryPolicy,
    WorkflowEngine,
    step,
    step_info,
    workflow,
)

SOON = timedelta(seconds=15)
MS = timedelta(milliseconds=1)
QUICK = RetryPolicy(max_attempts=4, initial_interval=MS)


@step(retry=QUICK)
async def fails(kind: str) -> str:
    if kind == "never":
        raise NonRetryableError("no")
    if step_info().attempt == 1:
        raise RetryAfterError("later", delay=timedelta(0))
    return f"{kind} {step_info().attempt}"


@step(retry=RetryPolicy(max_attempts=3, initial_interval=10 * MS))
async def brief(n: int) -> int:
    if step_info().attempt <= n:
        raise OSError("down")
    return step_info().attempt


@workflow
async def local() -> list[int]:
    return [await brief(0), await brief(2), len(await fails("after"))]


async def test_steps_can_run_as_local_activities(cluster: str):
    """Steps that the URL names run in the workflow's own worker; history tells of them like of others."""
    async with WorkflowEngine(f"{cluster}&local_steps=brief,fails", workflows=[local]) as engine:
        handle = await engine.start(local)
        assert await handle.result(SOON) == [1, 3, 7]
        done = [e.data for e in await handle.history() if e.type == "step_completed"]
        assert [(each["step"], each["output"], each.get("attempt", 1)) for each in done] == [
            ("brief", 1, 1), ("brief", 3, 3), ("fails", "after 2", 2),
        ]  # fmt: skip


WORKER = """
import asyncio, sys
from datetime import timedelta
from pathlib import Path
from maestro_workflow_engine import RetryPolicy, WorkflowEngine, step, step_info, workflow

record = Path(sys.argv[2])

@step(retry=RetryPolicy(max_attempts=2, initial_interval=timedelta(milliseconds=10)))
async def act(n: int) -> int:
    before = record.read_text().count(f"{n} ") if record.exists() else 0
    with record.open("a") as file:
        file.write(f"{n} {step_info().attempt}\\n")
    if n == 2 and before == 0:
        await asyncio.sleep(3600)
    if n == 2 and before == 1:
        raise OSError("down")
    return n

@workflow
async def chain() -> list[int]:
    return [await act(n) for n in range(4)]

async def main() -> None:
    async with WorkflowEngine(sys.argv[1], workflows=[chain]) as engine:
        handle = await engine.start(chain, id="chain")
        result = await handle.result(timedelta(seconds=60))
        tried = [event.data.get("attempt", 1) for event in await handle.history() if event.type == "step_completed"]
        print(result, tried, flush=True)

asyncio.run(main())
"""


async def test_a_killed_worker_loses_nothing_and_doubles_no_completed_step(cluster: str, tmp_path: Path):
    """The step that was under way runs again in another worker, and the loss costs it no attempt; those before it do not."""
    script, record = tmp_path / "worker.py", tmp_path / "record"
    script.write_text(textwrap.dedent(WORKER))
    command = [sys.executable, str(script), f"{cluster}&lost_after_s=1", str(record)]
    first = subprocess.Popen(command)  # noqa: ASYNC220  a process is what is killed
    try:
        deadline = time.monotonic() + 40
        while not (record.exists() and "2 1" in record.read_text()):
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)
    finally:
        os.kill(first.pid, signal.SIGKILL)
        first.wait()
    second = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    output, _ = await second.communicate()
    assert output.decode().strip() == "[0, 1, 2, 3] [1, 1, 2, 1]"
    assert record.read_text().split("\n")[:-1] == ["0 1", "1 1", "2 1", "2 1", "2 2", "3 1"]
