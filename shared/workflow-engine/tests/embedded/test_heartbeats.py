"""Signs of life: silence fails an attempt, the last word survives it, and threads learn that they no longer count."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from pydantic import BaseModel

from maestro_workflow_engine import (
    AesGcmCodec,
    PayloadError,
    RetryPolicy,
    StepHeartbeatTimeoutError,
    WorkflowCancelledError,
    WorkflowContextError,
    WorkflowEngine,
    heartbeat,
    last_heartbeat,
    receive,
    step,
    step_info,
    workflow,
)

SOON = timedelta(seconds=20)
TWICE = RetryPolicy(max_attempts=2, initial_interval=timedelta(milliseconds=1))


class Progress(BaseModel):
    done: int


def rows(folder: Path) -> list[tuple[int, bytes]]:
    with sqlite3.connect(folder / "journal.db") as connection:
        found = connection.execute("SELECT seq, details FROM heartbeats").fetchall()
    connection.close()
    return found


def rows_if_any(folder: Path) -> list[tuple[int, bytes]]:
    try:
        return rows(folder)
    except sqlite3.OperationalError:  # the other process has not made its tables yet
        return []


KILLED = """
import asyncio, sys
from datetime import timedelta
from maestro_workflow_engine import WorkflowEngine, heartbeat, step, step_info, workflow


@step(heartbeat_timeout=timedelta(seconds=0.3))
async def counts() -> None:
    print("attempt", step_info().attempt, "after", step_info().last_heartbeat, flush=True)
    n = 0
    while len(sys.argv) < 3:
        n += 1
        heartbeat({"done": n})
        await asyncio.sleep(0.01)


@workflow
async def flow() -> None:
    await counts()


async def main() -> None:
    async with WorkflowEngine(sys.argv[1], workflows=[flow]) as engine:
        await (await engine.start(flow, id="r")).result()


asyncio.run(main())
"""


def url(folder: Path) -> str:
    return f"sqlite:///{folder}/journal.db"


async def until(check: Any) -> None:
    async with asyncio.timeout(20):
        while not check():
            await asyncio.sleep(0.002)


def test_outside_a_step_there_is_nothing_to_beat():
    """A clear error instead of a sign of life that nobody takes."""
    for call in (heartbeat, last_heartbeat, step_info):
        with pytest.raises(WorkflowContextError, match="only inside a running step"):
            call()


async def test_what_was_said_last_is_there_for_the_next_attempt_and_gone_after_the_step(tmp_path: Path):
    """A failed attempt hands its last word on, typed on request; with the step's end it leaves the journal."""
    seen: list[Any] = []

    @step(retry=TWICE)
    def copies() -> str:
        seen.append((step_info().last_heartbeat, last_heartbeat(type=Progress)))
        if step_info().attempt == 1:
            for n in range(1, 8):
                heartbeat(Progress(done=n))  # the first is kept at once, the others are not due yet
            raise OSError("down")
        return "done"

    @workflow
    async def flow() -> str:
        return await copies() + str(await receive("go"))

    async with WorkflowEngine(url(tmp_path), workflows=[flow]) as engine:
        handle = await engine.start(flow, id="r")
        await until(lambda: len(seen) == 2)
        await handle.signal("go", "!")
        assert await handle.result(SOON) == "done!"
        assert "heartbeat" not in str([event.type for event in await handle.history()])
    assert seen == [(None, None), ({"done": 7}, Progress(done=7))]
    assert rows(tmp_path) == []


async def test_what_was_said_survives_a_restart_even_encrypted(tmp_path: Path):
    """An engine that closes keeps the last word of a running step, in the journal itself; too much of it is refused at once."""
    seen: list[Any] = []
    said = "x" * 900

    @step(heartbeat_timeout=timedelta(seconds=30))
    async def slow() -> int:
        seen.append(step_info().last_heartbeat)
        if seen == [None]:
            heartbeat("first")
            heartbeat(said)
            with pytest.raises(PayloadError, match=r"heartbeat of 1,002 bytes is too large"):
                heartbeat("y" * 1000)
            await asyncio.sleep(3600)
        return len(seen)

    @workflow
    async def flow() -> int:
        return await slow()

    options: dict[str, Any] = {
        "workflows": [flow],
        "codec": AesGcmCodec({"k": b"k" * 32}, active="k"),
        "payload_store": f"file://{tmp_path}/store",
        "payload_limit_bytes": 1000,
    }
    async with WorkflowEngine(url(tmp_path), **options) as engine:
        await engine.start(flow, id="r")
        await until(lambda: bool(seen))
    ((_, sealed),) = rows(tmp_path)
    assert sealed.startswith(b'{"$maestro.enc":"k"')
    async with WorkflowEngine(url(tmp_path), **options) as engine:
        assert await engine.handle("r").result(SOON) == 2
    assert seen == [None, said]
    assert rows(tmp_path) == []


def test_what_was_said_survives_kill_9(tmp_path: Path):
    """The last word that was kept before the process died is there in the next attempt of the next process."""
    script = tmp_path / "worker.py"
    script.write_text(KILLED)
    command = [sys.executable, str(script), url(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "attempt 1 after None\n"
        deadline = time.monotonic() + 60
        while not rows_if_any(tmp_path) or rows_if_any(tmp_path)[0][1] == b'{"done":1}':
            assert time.monotonic() < deadline
            time.sleep(0.01)
        process.kill()
    ((_, kept),) = rows(tmp_path)
    again = subprocess.run([*command, "end"], stdout=subprocess.PIPE, text=True, timeout=60, check=True)
    said = msgspec.json.decode(kept)
    assert again.stdout == f"attempt 1 after {said}\n"
    assert said["done"] > 1
    assert rows(tmp_path) == []


async def test_what_was_said_by_a_step_that_nobody_waits_for_is_forgotten(tmp_path: Path):
    """A withdrawn step leaves nothing behind, and neither does a run that was cancelled."""
    said = asyncio.Event()

    @step
    async def slow() -> None:
        heartbeat("here")
        said.set()
        await asyncio.sleep(3600)

    @workflow
    async def drops() -> str:
        try:
            async with asyncio.timeout(0.05):
                await slow()
        except TimeoutError:
            pass
        return str(await receive("go"))

    @workflow
    async def plain() -> None:
        await slow()

    async with WorkflowEngine(url(tmp_path), workflows=[drops, plain]) as engine:
        handle = await engine.start(drops, id="a")
        await until(lambda: rows(tmp_path))
        await until(lambda: not rows(tmp_path))
        await handle.signal("go", "on")
        assert await handle.result(SOON) == "on"
        other = await engine.start(plain, id="b")
        await until(lambda: rows(tmp_path))
        await other.cancel()
        with pytest.raises(WorkflowCancelledError):
            await other.result(SOON)
        assert rows(tmp_path) == []


async def test_a_step_that_beats_all_the_time_writes_now_and_then(tmp_path: Path):
    """Ten thousand beats are a few writes, and the last of them counts."""
    seen: list[Any] = []

    @step(retry=TWICE)
    def chatty() -> None:
        seen.append(last_heartbeat())
        if step_info().attempt == 1:
            for n in range(10_000):
                heartbeat(n)
            raise OSError("down")

    @workflow
    async def flow() -> None:
        await chatty()

    async with WorkflowEngine(url(tmp_path), workflows=[flow]) as engine:
        runner: Any = engine._runner
        await (await engine.start(flow)).result(SOON)
        assert runner._opened.journal.commits < 40
    assert seen == [None, 9999]


async def test_virtual_time_counts_silence_and_beats():
    """In a time-skipping engine a step that sleeps through its heartbeat timeout fails, and one that beats in time does not."""

    @step(heartbeat_timeout=timedelta(minutes=1))
    async def work(pause_s: int) -> str:
        raise AssertionError("a stand-in runs instead")

    @workflow
    async def flow() -> list[str]:
        said = [await work(50)]
        try:
            await work(70)
        except StepHeartbeatTimeoutError as error:
            said.append(str(error))
        return said

    async def stand_in(pause_s: int) -> str:
        for _ in range(3):
            await engine.time.sleep(timedelta(seconds=pause_s))
            heartbeat(pause_s)
        return "worked"

    start = datetime(2030, 1, 1, tzinfo=UTC)
    async with WorkflowEngine.test([flow], steps={work: stand_in}, start_time=start) as engine:
        handle = await engine.start(flow)
        assert await handle.result(timedelta(hours=1)) == ["worked", "step 'work' gave no heartbeat for 60 s"]
        ended = (await handle.status()).finished_at
        assert ended is not None
        assert (ended - start).total_seconds() == 3 * 50 + 60
