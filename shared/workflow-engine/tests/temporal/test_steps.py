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
    StepTotalTimeoutError,
    WorkflowEngine,
    heartbeat,
    last_heartbeat,
    step,
    step_info,
    workflow,
)

SOON = timedelta(seconds=15)
MS = timedelta(milliseconds=1)
QUICK = RetryPolicy(max_attempts=4, initial_interval=MS)
ran: list[object] = []


@step(retry=QUICK)
async def counted(upto: int) -> list[object]:
    before = last_heartbeat()
    ran.append(before)
    heartbeat({"done": step_info().attempt})
    if step_info().attempt < upto:
        raise OSError("down")
    return [step_info().attempt, before]


@step(retry=QUICK)
def threaded() -> object:
    before = last_heartbeat()
    heartbeat(step_info().attempt)
    if before != 2:
        raise OSError("down")
    return before


@step(retry=QUICK)
async def fails(kind: str) -> str:
    if kind == "never":
        raise NonRetryableError("no")
    if step_info().attempt == 1:
        raise RetryAfterError("later", delay=timedelta(0))
    return f"{kind} {step_info().attempt}"


@step(retry=RetryPolicy(max_attempts=0, initial_interval=timedelta(hours=1), max_interval=timedelta(hours=1)))
async def down() -> None:
    raise OSError("down")


@step
async def slow() -> str:
    await asyncio.sleep(3600)
    return "slept"


@workflow
async def beats() -> list[object]:
    return [await counted(3), await threaded()]


@workflow
async def optioned() -> list[str]:
    said = [await fails("after")]
    for call in (fails, fails.with_options(retry=RetryPolicy()), slow.with_options(name="brief", timeout=20 * MS)):
        try:
            await (call("never") if call is fails else call("once") if call.name == "fails" else call())
        except Exception as error:  # noqa: BLE001  what is raised is what the test looks at
            said.append(type(error).__name__)
    return said


@workflow
async def bounded() -> list[object]:
    said: list[object] = []
    for call in (down, slow):
        try:
            await call.with_options(total_timeout=300 * MS)()
        except StepTotalTimeoutError as error:
            failure = error.last_failure
            said += [error.step, error.timeout_s, error.attempts, None if failure is None else failure.message]
    return said


async def test_what_a_step_said_is_there_for_its_next_attempt(cluster: str):
    """heartbeat(details) reaches the cluster before an attempt's failure does, from coroutines and from threads."""
    ran.clear()
    async with WorkflowEngine(cluster, workflows=[beats]) as engine:
        assert await (await engine.start(beats)).result(SOON) == [[3, {"done": 2}], 2]
    assert ran == [None, {"done": 1}, {"done": 2}]


async def test_options_of_one_call_and_errors_that_steer_retries(cluster: str):
    """Retry policy, timeout and name of a call travel with it; NonRetryableError and RetryAfterError do what they say."""
    async with WorkflowEngine(cluster, workflows=[optioned]) as engine:
        handle = await engine.start(optioned)
        assert await handle.result(SOON) == ["after 2", "NonRetryableError", "RetryAfterError", "StepTimeoutError"]
        assert [e.data["step"] for e in await handle.history() if e.type.startswith("step_")][-1] == "brief"


async def test_a_total_timeout_counts_all_attempts(cluster: str):
    """A step that would be tried again too late fails at once, with what its last attempt failed with; a slow one is stopped."""
    async with WorkflowEngine(cluster, workflows=[bounded]) as engine:
        assert await (await engine.start(bounded)).result(SOON) == ["down", 0.3, 1, "down", "slow", 0.3, 1, None]


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
