"""Plain functions that do not return: they are named, and nothing hangs for them."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import textwrap
import threading
from datetime import timedelta

import pytest

from maestro_core_logging.testing import capture_logs
from maestro_workflow_engine import StepTimeoutError, WorkflowEngine, step, workflow
from maestro_workflow_engine.embedded._threads import StepThreads

SOON = timedelta(seconds=20)
free = threading.Event()


@pytest.fixture(autouse=True)
def _let_go():
    free.clear()
    yield
    free.set()


@step(timeout=timedelta(milliseconds=50))
def hangs() -> None:
    free.wait(60)


@step(timeout=timedelta(milliseconds=50))
async def hangs_on_loop() -> None:
    try:
        await asyncio.sleep(3600)
    finally:
        stopped.append("stopped")


stopped: list[str] = []


@step
def waits_without_limit() -> None:
    free.wait(60)


@workflow
async def flow(which: str) -> str:
    try:
        await {"thread": hangs, "loop": hangs_on_loop, "for ever": waits_without_limit}[which]()
    except StepTimeoutError as error:
        return error.step
    return "returned"


async def test_a_timeout_gives_the_run_its_error_and_names_the_thread():
    """A thread cannot be stopped: the run goes on, a warning names step and thread, and closing does not wait for it."""
    with capture_logs() as lines:
        async with asyncio.timeout(30):
            async with WorkflowEngine("sqlite://", workflows=[flow]) as engine:
                assert await (await engine.start(flow, "thread", id="r")).result(SOON) == "hangs"
    (line,) = [line for line in lines if line["event"] == "Step timed out, and its thread goes on"]
    assert (line["run_id"], line["step"], line["level"]) == ("r", "hangs", "warning")
    assert line["thread"] in {thread.name for thread in threading.enumerate()}


async def test_a_step_that_never_got_a_thread_says_so():
    """When stuck functions hold every thread, the timeout of the next one tells the true reason."""
    with capture_logs() as lines:
        async with WorkflowEngine("sqlite://", workflows=[flow], threads=1) as engine:
            assert await (await engine.start(flow, "thread", id="first")).result(SOON) == "hangs"
            assert await (await engine.start(flow, "thread", id="second")).result(SOON) == "hangs"
    (line,) = [line for line in lines if line["event"] == "Step timed out before a thread was free for it"]
    assert line["run_id"] == "second"


def test_the_process_ends_although_a_step_never_returns():
    """The interpreter does not join the thread for ever; what still runs is named."""
    script = textwrap.dedent(
        """
        import asyncio, threading
        from maestro_workflow_engine import WorkflowEngine, step, workflow
        from maestro_workflow_engine.embedded import _threads
        _threads._PATIENCE_S = 0.2
        begun = threading.Event()

        @step
        def stuck() -> None:
            begun.set()
            threading.Event().wait()

        @workflow
        async def flow() -> None:
            await stuck()

        async def main() -> None:
            async with WorkflowEngine("sqlite://", workflows=[flow]) as engine:
                await engine.start(flow, id="r")
                while not begun.is_set():
                    await asyncio.sleep(0.01)

        asyncio.run(main())
        """
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert "Process ends while a step runs" in done.stdout + done.stderr
    assert "r/1" in done.stdout + done.stderr


def test_threads_are_reused_and_never_more_than_the_limit():
    """Calls one after the other need one thread; many at once no more than allowed."""
    threads = StepThreads(3)
    names = set()
    for _ in range(5):
        names.add(threads.submit(lambda: threading.current_thread().name, "x").future.result(10))
        while not threads._idle._value:  # type: ignore[attr-defined]  # until the thread waits again
            pass
    assert len(names) == 1
    gate = threading.Event()
    jobs = [threads.submit(lambda: (gate.wait(10), threading.current_thread().name)[1], "x") for _ in range(12)]
    gate.set()
    assert len({job.future.result(10) for job in jobs}) <= 3
    threads.close()
