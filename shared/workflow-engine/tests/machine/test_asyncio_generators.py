"""Async generators and context managers: as on CPython's own loop, and closed at one known moment."""

from __future__ import annotations

import asyncio
import contextlib
import gc
from collections.abc import AsyncIterator

from engine_beside_cpython import World, assert_alike
from engine_driving import Drive, replayed

from maestro_workflow_engine import receive, step, workflow
from maestro_workflow_engine.machine import _commands as cmd


@step
async def work(name: str) -> str:
    raise AssertionError("the machine never runs a step itself")


def test_generators_yield_take_raise_and_close():
    """anext, asend, athrow and aclose run the generator's code, its clean-up included, as on CPython."""

    async def program(w: World) -> object:
        async def counter(label: str) -> AsyncIterator[object]:
            n = 0
            try:
                while True:
                    try:
                        sent = yield await w.act(f"{label}{n}", 1)
                        w.log(label, "was sent", sent)
                    except KeyError as error:
                        w.log(label, "was thrown", error)
                    n += 1
            finally:
                await w.act(f"{label} closes", 0.5)
                w.log(label, "closed")

        one = counter("one")
        w.log(await anext(one), await one.asend("x"), await one.athrow(KeyError("k")))
        await one.aclose()
        w.log(await anext(one, "exhausted"))
        await one.aclose()
        two = counter("two")
        await anext(two)
        try:
            await two.athrow(ValueError("out"))
        except ValueError as error:
            w.log(error)
        async with contextlib.aclosing(counter("three")) as three:
            async for each in three:
                w.log(each)
                if each == "three2":
                    break
        w.log([each async for each in _limited(w, 3)])
        return "end"

    assert_alike(program)


async def _limited(w: World, count: int) -> AsyncIterator[int]:
    for n in range(count):
        yield await w.act(n, 0.25)


def test_a_generator_that_is_busy_or_ignores_its_closing_raises_as_on_cpython():
    """Two users at once, and a yield while closing, are RuntimeErrors."""

    async def program(w: World) -> object:
        async def stubborn() -> AsyncIterator[int]:
            try:
                yield 1
                await w.act("in the middle", 2)
                yield 2
            except GeneratorExit:
                yield 3

        one = stubborn()
        await anext(one)
        busy = asyncio.create_task(anext(one))
        await asyncio.sleep(1)
        for call in (one.aclose, one.__anext__):
            try:
                await call()
            except RuntimeError as error:
                w.log(error)
        w.log(await busy)
        two = stubborn()
        await anext(two)
        try:
            await two.aclose()
        except RuntimeError as error:
            w.log(error)
        w.log([each async for each in one])
        return "end"

    assert_alike(program)


def test_cancellation_inside_a_generator_runs_its_clean_up():
    """A consumer cancelled within the generator's await lets the generator clean up with steps."""

    async def program(w: World) -> object:
        async def source() -> AsyncIterator[object]:
            try:
                yield await w.act("first", 1)
                yield await w.act("second", 5)
            except asyncio.CancelledError as error:
                w.log("cancelled", error)
                await w.act("clean up", 1)
                w.log("clean")
                raise

        async def consume() -> None:
            async for each in source():
                w.log(each)

        task = asyncio.create_task(consume())
        await asyncio.sleep(2)
        task.cancel("enough")
        await asyncio.wait([task])
        w.log(task.cancelled())
        return "end"

    assert_alike(program)


def test_context_managers_and_exit_stacks_unwind_in_order():
    """Exit code runs innermost first, may await, swallow, replace and chain exceptions, and sees cancellation."""

    async def program(w: World) -> object:
        @contextlib.asynccontextmanager
        async def room(label: str, swallow: type[BaseException] = StopAsyncIteration) -> AsyncIterator[str]:
            w.log(label, "in", await w.act(f"open {label}", 0.5))
            try:
                yield label
            except swallow as error:
                w.log(label, "swallows", error)
            finally:
                await w.act(f"close {label}", 0.5)
                w.log(label, "out")

        async def later(label: str) -> None:
            w.log("callback", await w.act(label, 0.25))

        async with contextlib.AsyncExitStack() as stack:
            await stack.enter_async_context(room("a"))
            await stack.enter_async_context(room("b", ValueError))
            stack.push_async_callback(later, "x")
            stack.callback(w.log, "plain")
            await w.act("fails", 1, "value")
        w.log("went on")
        try:
            async with room("c"), room("d"):
                await w.act("fails", 1, "key")
        except KeyError as error:
            w.log(error)

        async def cancelled() -> None:
            async with asyncio.timeout(3), room("e"), contextlib.AsyncExitStack() as inner:
                await inner.enter_async_context(room("f", asyncio.CancelledError))
                await w.act("long", 9)

        task = asyncio.create_task(cancelled())
        await asyncio.sleep(1.75)
        task.cancel("stop")
        w.log([repr(each) for each in await asyncio.gather(task, return_exceptions=True)])
        async with contextlib.AsyncExitStack() as stack:
            kept = await stack.enter_async_context(room("kept"))
            moved = stack.pop_all()
        w.log("stack left", kept)
        await moved.aclose()
        return "end"

    assert_alike(program)


def _steps(commands: list[cmd.Command]) -> list[bytes]:
    return [bytes(c.input) for c in commands if isinstance(c, cmd.RunStep)]


def test_generators_left_half_way_are_closed_when_the_workflow_returns():
    """Not when memory is freed, which would be another moment in a replay: their clean-up may run steps, and the run waits."""

    async def pages(label: str) -> AsyncIterator[str]:
        try:
            while True:
                yield await work(label)
        finally:
            await work(f"close {label}")

    @workflow
    async def flow() -> str:
        for label in ("a", "b"):
            async for _ in pages(label):
                break
        gc.collect()
        await work("after")
        return "returned"

    drive = Drive(flow)
    assert _steps(drive.complete(1)) == [b'"b"']
    assert _steps(drive.complete(2)) == [b'"after"']
    gc.collect()
    closing = drive.complete(3)
    assert _steps(closing) == [b'"close a"', b'"close b"']
    assert drive.complete(5) == []
    drive.complete(4)
    assert drive.output == "returned"
    assert replayed(flow, drive.history)[1] == drive.commands


def test_a_failing_or_cancelled_workflow_closes_its_generators_too():
    """How the run ends is how its code ended; a failure of the closing itself is only logged, as by asyncio.run."""

    async def pages() -> AsyncIterator[int]:
        try:
            yield 1
        finally:
            await work("close")
            raise OSError("while closing")

    @workflow
    async def flow(fails: bool) -> None:
        async for _ in pages():
            break
        if fails:
            raise ValueError("mine")
        await receive("never")

    failing = Drive(flow, True)
    assert _steps(failing.commands) == [b'"close"']
    failing.complete(1)
    assert isinstance(failing.closing, cmd.FailRun)
    assert failing.closing.failure.message == "mine"

    cancelled = Drive(flow, False)
    assert _steps(cancelled.cancel()) == [b'"close"']
    cancelled.complete(1)
    assert isinstance(cancelled.closing, cmd.CancelRun)

    asked_twice = Drive(flow, False)
    asked_twice.cancel()
    assert asked_twice.cancel() == []  # the second request leaves the clean-up alone
    asked_twice.complete(1)
    assert isinstance(asked_twice.closing, cmd.CancelRun)


def test_exhausted_generators_are_forgotten():
    """A run that goes through many generators does not keep them all."""

    async def pages() -> AsyncIterator[int]:
        yield 1

    @workflow
    async def flow() -> None:
        for _ in range(1000):
            async for _ in pages():
                pass
        await receive("end")

    drive = Drive(flow)
    assert len(drive.machine._loop._generators) <= 20
