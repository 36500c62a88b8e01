"""timeout, timeout_at, wait_for, sleep: as on CPython's own loop, with durable timers."""

from __future__ import annotations

import asyncio
import math

import pytest
from engine_beside_cpython import World, assert_alike
from engine_driving import Drive, replayed

from maestro_workflow_engine import receive, workflow
from maestro_workflow_engine.machine import _commands as cmd


@pytest.mark.parametrize("delay", [None, -1, 0, 1.5, 2.5, 9])
def test_timeout_expires_or_not(delay):
    """The block is cancelled and TimeoutError raised exactly when CPython does so; what expired says so."""

    async def program(w: World) -> object:
        try:
            async with asyncio.timeout(delay) as limit:
                w.log(limit.expired())
                w.log(await w.act("a", 1))
                w.log(await w.act("b", 1))
                w.log("through", limit.expired())
        except TimeoutError as error:
            w.log(error, error.__cause__, limit.expired(), asyncio.current_task().cancelling())
        w.log(await w.act("after", 1))
        return "end"

    assert_alike(program)


def test_timeouts_nest_and_the_inner_one_does_not_hide_the_outer():
    """The outer timeout reaches through the inner; each raises its own TimeoutError at its own block."""

    async def program(w: World) -> object:
        for inner, outer in ((1, 2.5), (2.5, 1), (None, 1), (1, None)):
            try:
                async with asyncio.timeout(outer) as out:
                    try:
                        async with asyncio.timeout(inner) as within:
                            await w.act("long", 4)
                    except TimeoutError:
                        w.log("inner", within.expired(), out.expired())
                    await w.act("rest", 0.25)
                    w.log("rested")
            except TimeoutError:
                w.log("outer", within.expired(), out.expired())
        return "end"

    assert_alike(program)


def test_timeouts_are_rescheduled():
    """A limit moves later, earlier, into the past or away while the block runs; afterwards it refuses to."""

    async def program(w: World) -> object:
        loop = asyncio.get_running_loop()
        for moved in (5, 1.25, 0, -3, None):
            try:
                async with asyncio.timeout_at(loop.time() + 2) as limit:
                    await w.act("first", 1)
                    limit.reschedule(None if moved is None else loop.time() + moved)
                    w.log(limit.when() is None, limit.expired())
                    await w.act("second", 1.5)
                    w.log("through")
            except TimeoutError:
                w.log("late", limit.expired())
            try:
                limit.reschedule(loop.time() + 1)
            except RuntimeError as error:
                w.log(error)
        return "end"

    assert_alike(program)


def test_a_timeout_and_a_cancellation_in_one_block():
    """Cancelled from outside, the block raises CancelledError and not TimeoutError, its clean-up may overrun the limit."""

    async def program(w: World) -> object:
        async def limited() -> None:
            try:
                async with asyncio.timeout(3):
                    try:
                        await w.act("work", 9)
                    finally:
                        await w.act("clean up", 1)
                        w.log("clean")
            except TimeoutError as error:
                w.log("late", error)

        for cancel_after in (1, 2.5, 3.5):
            task = asyncio.create_task(limited())
            await asyncio.sleep(cancel_after)
            w.log(task.cancel("outside"))
            try:
                await task
            except asyncio.CancelledError as error:
                w.log("cancelled", error)
            await asyncio.sleep(5)
        return "end"

    assert_alike(program)


@pytest.mark.parametrize("timeout", [None, -1, 0, 1.5, 9])
def test_wait_for_limits_one_awaitable(timeout):
    """Results, failures, clean-up after the limit and shielded awaitables are as on CPython."""

    async def program(w: World) -> object:
        async def tidy(label: str, delay: float) -> str:
            try:
                return str(await w.act(label, delay))
            except asyncio.CancelledError:
                await w.act(f"{label} cleans up", 0.5)
                w.log(label, "clean")
                raise

        shielded = asyncio.create_task(w.act("shielded", 6))
        done = asyncio.get_running_loop().create_future()
        done.set_result("done already")
        for awaitable in (
            tidy("short", 1), tidy("long", 4), w.act("fails", 1, "key"), asyncio.shield(shielded), asyncio.sleep(2, "nap"),
            done,
        ):  # fmt: skip
            try:
                w.log(await asyncio.wait_for(awaitable, timeout))
            except (TimeoutError, KeyError) as error:
                w.log(error)
        w.log(await shielded)
        return "end"

    assert_alike(program)


def test_wait_for_whose_waiter_is_cancelled():
    """Cancelling whoever waits cancels what is waited for, and the limit no longer counts."""

    async def program(w: World) -> object:
        async def inner() -> None:
            try:
                await w.act("inner", 9)
            except asyncio.CancelledError as error:
                w.log("inner", error)
                raise

        async def outer() -> None:
            await asyncio.wait_for(inner(), 5)

        task = asyncio.create_task(outer())
        await asyncio.sleep(1)
        task.cancel("enough")
        try:
            await task
        except asyncio.CancelledError:
            w.log("outer cancelled")
        await asyncio.sleep(6)
        return "end"

    assert_alike(program)


def test_sleep_wakes_in_the_order_of_its_times():
    """Sleepers wake by time, give their result, and those of no time at all only let others run."""

    async def program(w: World) -> object:
        async def sleeper(delay: float) -> float:
            result = await asyncio.sleep(delay, delay)
            w.log("woke", result, asyncio.get_running_loop().time() - start)
            return result

        start = asyncio.get_running_loop().time()
        w.log(await asyncio.gather(*(sleeper(delay) for delay in (3, 1, 0, 2, -5, 1e-3, 86_400 * 3650))))
        doomed = asyncio.create_task(sleeper(100))
        await asyncio.sleep(1)
        doomed.cancel()
        await asyncio.wait([doomed])
        w.log(doomed.cancelled())
        return "end"

    assert_alike(program)


def test_a_sleep_without_end_is_a_timer_at_the_end_of_time():
    """math.inf, and what lies beyond the year 9999, waits as on CPython, at a time that a datetime can name."""

    @workflow
    async def flow() -> str:
        sleepers = [asyncio.create_task(asyncio.sleep(delay)) for delay in (math.inf, 1e15)]
        await receive("go")
        for each in sleepers:
            each.cancel()
        return "gone"

    drive = Drive(flow)
    assert [c.fire_at for c in drive.commands if isinstance(c, cmd.StartTimer)] == [253_402_300_799_000_000] * 2
    drive.signal("go", None)
    assert drive.output == "gone"
    assert replayed(flow, drive.history)[1] == drive.commands
