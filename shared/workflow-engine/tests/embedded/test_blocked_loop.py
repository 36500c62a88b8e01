"""Who holds the event loop is named, while it lasts and when it is over."""

from __future__ import annotations

import asyncio
import re
import threading
import time
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from maestro_core_logging.testing import capture_logs
from maestro_workflow_engine import BlockedInfo, RunStatus, WorkflowEngine, step, workflow

LIMIT = timedelta(milliseconds=250)
SOON = timedelta(seconds=20)


class Witness:
    """Reads `engine.blocked` from a thread of its own, and lets go of what blocks once it has been named.

    On a machine under load other things hold the loop, too: only what stands at a certain place counts.
    """

    def __init__(self, engine: WorkflowEngine, where: str, looks: int = 1) -> None:
        self.seen: list[BlockedInfo] = []
        self.released = threading.Event()
        self._engine, self._where, self._looks = engine, where, looks
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Witness:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.released.set()
        self._thread.join()

    def _look(self) -> None:
        deadline = time.monotonic() + 20
        while not self.released.is_set() and time.monotonic() < deadline:
            blocked = self._engine.blocked
            if blocked is not None and self._where in str(blocked.stack) and blocked not in self.seen[-1:]:
                self.seen.append(blocked)
                if len(self.seen) >= self._looks:
                    self.released.set()
            time.sleep(0.005)


def warnings(lines: list[dict[str, Any]], culprit: str) -> list[dict[str, Any]]:
    return [line for line in lines if line["event"].startswith("Event loop is blocked") and line["culprit"] == culprit]


async def over(engine: WorkflowEngine, lines: list[dict[str, Any]]) -> dict[str, Any]:
    while engine.blocked is not None:
        await asyncio.sleep(0.005)
    return next(line for line in lines if line["event"] == "Event loop goes on" and line["culprit"] == "workflow")


held: list[threading.Event] = []


@pytest.mark.parametrize("way", ["call", "loop"])
async def test_a_workflow_that_blocks_is_named_with_its_line(way: str):
    """A blocking call and a busy loop in a workflow: run, workflow, line and duration are logged and can be asked for."""

    @workflow
    async def blocks() -> str:
        if way == "call":
            held[0].wait()
        while not held[0].is_set():
            pass
        return "went on"

    with capture_logs() as lines:
        async with WorkflowEngine("sqlite://", workflows=[blocks], block_warning=LIMIT) as engine:
            with Witness(engine, "blocks") as witness:
                held[:] = [witness.released]
                handle = await engine.start(blocks, id="r")
                assert await handle.result(SOON) == "went on"
            goes_on = await over(engine, lines)

    seen = witness.seen[0]
    assert (seen.kind, seen.run_id, seen.workflow, seen.step) == ("workflow", "r", "blocks", None)
    assert seen.blocked_for >= LIMIT
    assert any(re.search(r"test_blocked_loop\.py:\d+ in .*blocks$", frame) for frame in seen.stack)
    assert not any("maestro_workflow_engine" in frame or "asyncio" in frame for frame in seen.stack)
    logged = warnings(lines, "workflow")[0]
    assert (logged["run_id"], logged["workflow"], logged["level"]) == ("r", "blocks", "warning")
    assert logged["where"] == seen.stack[-1]
    assert goes_on["run_id"] == "r"
    assert goes_on["blocked_s"] >= LIMIT.total_seconds()


async def test_a_replay_that_blocks_is_named(tmp_path: Any):
    """Also while an engine opens: the code is taken through its history on the same loop."""
    url = f"sqlite:///{tmp_path}/journal.db"

    @step
    async def quick() -> None: ...

    @workflow
    async def blocks() -> None:
        await quick()
        if held:
            held[0].wait()
        await asyncio.sleep(3600)

    held.clear()
    async with WorkflowEngine(url, workflows=[blocks]) as engine:
        await engine.start(blocks, id="r")
        while len(await engine.handle("r").history()) < 2:
            await asyncio.sleep(0.001)
    engine = WorkflowEngine(url, workflows=[blocks], block_warning=LIMIT)
    with capture_logs() as lines, Witness(engine, "blocks") as witness:
        held[:] = [witness.released]
        async with engine:
            await engine.handle("r").status()
    held.clear()
    assert witness.seen[0].run_id == "r"
    assert warnings(lines, "workflow")


async def test_an_async_step_that_blocks_is_named():
    """A step that should have been a plain function: its name and run are logged."""

    @step
    async def reads() -> str:
        held[0].wait()
        return "read"

    @workflow
    async def flow() -> str:
        return await reads()

    with capture_logs() as lines:
        async with WorkflowEngine("sqlite://", workflows=[flow], block_warning=LIMIT) as engine:
            with Witness(engine, "reads") as witness:
                held[:] = [witness.released]
                assert await (await engine.start(flow, id="r")).result(SOON) == "read"

    seen = witness.seen[0]
    assert (seen.kind, seen.run_id, seen.step, seen.workflow) == ("step", "r", "reads", None)
    assert any("reads" in frame for frame in seen.stack)
    assert "plain function" in warnings(lines, "step")[0]["advice"]


async def test_other_code_on_the_loop_is_shown():
    """What is neither workflow nor step is shown by its stack."""
    with capture_logs() as lines:
        async with WorkflowEngine("sqlite://", block_warning=LIMIT) as engine:
            with Witness(engine, "somebody_else") as witness:

                def somebody_else() -> None:
                    witness.released.wait()

                asyncio.get_running_loop().call_soon(somebody_else)
                await asyncio.sleep(0)
                await asyncio.sleep(0)

    assert witness.seen[0].kind == "code"
    assert any("somebody_else" in frame for frame in witness.seen[0].stack)
    assert warnings(lines, "code")


async def test_warnings_come_at_growing_intervals():
    """A long block is warned of again when it has lasted twice as long, not with every look."""

    @workflow
    async def blocks() -> None:
        held[0].wait()

    with capture_logs() as lines:
        async with WorkflowEngine("sqlite://", workflows=[blocks], block_warning=timedelta(milliseconds=40)) as engine:
            with Witness(engine, "blocks", looks=24) as witness:
                held[:] = [witness.released]
                await (await engine.start(blocks)).result(SOON)

    lasted = [line["blocked_s"] for line in warnings(lines, "workflow")]
    assert 2 <= len(lasted) < len(witness.seen) / 2
    assert all(later >= 1.9 * earlier for earlier, later in pairwise(lasted))
    assert len({seen.since for seen in witness.seen}) == 1


async def test_a_busy_engine_is_not_a_blocked_one():
    """Hundreds of runs at once, a loop that waits, a thread that works: no warning."""

    @step
    def works() -> None:
        time.sleep(0.2)

    @workflow
    async def flow() -> None:
        await works()
        await asyncio.sleep(0.01)

    with capture_logs() as lines:
        async with WorkflowEngine("sqlite://", workflows=[flow], block_warning=timedelta(seconds=5)) as engine:
            handles = [await engine.start(flow) for _ in range(100)]
            for handle in handles:
                await handle.result(SOON)
                assert engine.blocked is None
    assert warnings(lines, "workflow") == []


async def test_it_can_be_switched_off():
    """With None nobody watches; a limit that could not be kept is refused."""

    @workflow
    async def blocks() -> None:
        time.sleep(0.2)  # noqa: ASYNC251  that is what is to be noticed

    with capture_logs() as lines:
        async with WorkflowEngine("sqlite://", workflows=[blocks], block_warning=None) as engine:
            await (await engine.start(blocks)).result(SOON)
            assert not any(thread.name == "maestro-watchdog" for thread in threading.enumerate())
        async with WorkflowEngine.test([blocks]) as engine:
            handle = await engine.start(blocks)
            await handle.result(SOON)
            assert (await handle.status()).status is RunStatus.COMPLETED
    assert not any("blocked" in line["event"] for line in lines)
    with pytest.raises(ValueError, match="10 ms"):
        WorkflowEngine("sqlite://", block_warning=timedelta(milliseconds=1))
