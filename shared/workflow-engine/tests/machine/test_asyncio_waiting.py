"""wait, as_completed and shield: as on CPython's own loop."""

from __future__ import annotations

import asyncio

import pytest
from engine_beside_cpython import World, assert_alike


@pytest.mark.parametrize("return_when", [asyncio.ALL_COMPLETED, asyncio.FIRST_COMPLETED, asyncio.FIRST_EXCEPTION])
@pytest.mark.parametrize("timeout", [None, 0, 1.5, 2.5, 20])
def test_wait_in_each_mode(return_when, timeout):
    """Which tasks are done and which pending, and when wait returns, is as on CPython."""

    async def program(w: World) -> object:
        tasks = {
            name: asyncio.ensure_future(w.act(name, delay, fail))
            for name, delay, fail in (("a", 3, None), ("b", 1, None), ("c", 2, "value"), ("d", 4, "key"))
        }
        done, pending = await asyncio.wait(tasks.values(), return_when=return_when, timeout=timeout)
        w.log([(name, task in done, task in pending) for name, task in tasks.items()])
        w.log(await asyncio.gather(*tasks.values(), return_exceptions=True))
        return "end"

    assert_alike(program)


def test_wait_refuses_what_cpython_refuses():
    """Empty collections, coroutines and unknown modes raise what CPython raises."""

    async def program(w: World) -> object:
        coroutine = w.act("x", 1)
        task = asyncio.ensure_future(w.act("y", 1))
        for given, options in (([], {}), ([coroutine], {}), (task, {}), ([task], {"return_when": "never"})):
            try:
                await asyncio.wait(given, **options)
            except (TypeError, ValueError) as error:
                w.log(type(error), str(error).partition(", not ")[0])
        coroutine.close()
        await task
        return "end"

    assert_alike(program)


@pytest.mark.parametrize("timeout", [None, 2.5])
def test_as_completed_gives_results_as_they_come(timeout):
    """Bare coroutines, tasks and failures come in the order of completion; a timeout raises for each one left."""

    async def program(w: World) -> object:
        task = asyncio.ensure_future(w.act("task", 1.5))
        coroutines = [w.act("a", 3), w.act("b", 1), w.act("c", 2, "value"), task, task]
        for next_one in asyncio.as_completed(coroutines, timeout=timeout):
            try:
                w.log(await next_one)
            except (ValueError, TimeoutError) as error:
                w.log(error)
        await asyncio.sleep(2)
        return "end"

    assert_alike(program)


def test_shield_keeps_the_inner_task_alive():
    """Cancelling whoever waits for a shielded task leaves the task; cancelling the task cancels the waiter."""

    async def program(w: World) -> object:
        async def inner() -> str:
            result = await w.act("inner", 3)
            w.log("inner is done")
            return result

        task = asyncio.ensure_future(inner())
        waiter = asyncio.ensure_future(asyncio.shield(task))
        await asyncio.sleep(1)
        waiter.cancel()
        try:
            await waiter
        except asyncio.CancelledError:
            w.log("waiter cancelled", task.done())
        w.log(await task, await asyncio.shield(task))
        other = asyncio.ensure_future(w.act("other", 9))
        asyncio.get_running_loop().call_later(0.5, other.cancel, "now")
        try:
            await asyncio.shield(other)
        except asyncio.CancelledError as error:
            w.log("shield", error)
        failing = asyncio.shield(w.act("fails", 1, "os"))
        try:
            await failing
        except OSError as error:
            w.log(error)
        return "end"

    assert_alike(program)
