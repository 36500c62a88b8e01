"""A run that leaves memory has not ended: none of its code asks for anything or touches the outside."""

from __future__ import annotations

import asyncio
import gc
import warnings
from collections.abc import AsyncIterator

from engine_driving import Drive

from maestro_workflow_engine import receive, step, workflow


@step
async def work(name: str) -> str:
    raise AssertionError("the machine never runs a step itself")


@step
async def other(name: str) -> str:
    raise AssertionError("the machine never runs a step itself")


def test_dropping_a_machine_runs_no_clean_up_step():
    """A run that leaves memory must not take its own eviction for an end."""
    seen: list[str] = []

    @workflow
    async def tidy() -> None:
        try:
            await receive("never")
        finally:
            await other("clean up")
            seen.append("cleaned")

    drive = Drive(tidy)
    count = len(drive.commands)
    drive.machine.drop()
    assert seen == []
    assert len(drive.commands) == count


def test_dropping_a_machine_leaves_no_coroutine_unawaited():
    """Clean-up code that starts tasks while its run leaves memory is closed with them, without a warning."""

    @workflow
    async def tidy() -> None:
        try:
            await receive("never")
        finally:
            await asyncio.gather(other("one"), other("two"), return_exceptions=True)

    drive = Drive(tidy)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        drive.machine.drop()
        gc.collect()
    assert caught == []
    assert drive.commands == []


def test_a_generator_in_use_by_a_left_over_task_goes_with_its_task():
    """A run does not wait for a generator that a forgotten task is still inside of."""
    touched: list[str] = []

    async def wait() -> None:
        try:
            await receive("never")
        finally:
            await work("leave")
            touched.append("left")

    async def pages() -> AsyncIterator[int]:
        try:
            await wait()
            yield 1
        finally:
            await work("close")
            touched.append("closed")

    @workflow
    async def flow() -> str:
        task = asyncio.create_task(anext(pages()))  # type: ignore[arg-type]
        await asyncio.sleep(0)
        return f"left {task.done()}"

    drive = Drive(flow)
    assert drive.output == "left False"
    drive.machine.drop()
    gc.collect()
    assert touched == []


def test_dropping_a_run_runs_no_clean_up_of_its_generators():
    """A run that leaves memory has not ended: its generators' clean-up asks for nothing."""
    seen: list[str] = []

    async def pages() -> AsyncIterator[int]:
        try:
            yield 1
        finally:
            await work("close")
            seen.append("closed")

    @workflow
    async def flow() -> None:
        async for _ in pages():
            break
        await receive("never")

    drive = Drive(flow)
    count = len(drive.commands)
    drive.machine.drop()
    gc.collect()
    assert seen == []
    assert len(drive.commands) == count


def test_dropping_a_machine_leaves_no_coroutine_unawaited_behind_a_timer():
    """`wait_for` starts its timer before it takes what it waits for; nothing of either is left."""

    @workflow
    async def tidy() -> None:
        try:
            await receive("never")
        finally:
            await asyncio.wait_for(other("late"), 10)

    drive = Drive(tidy)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        drive.machine.drop()
        gc.collect()
    assert caught == []
    assert drive.commands == []
