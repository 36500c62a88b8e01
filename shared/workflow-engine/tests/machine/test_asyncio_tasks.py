"""gather, TaskGroup, cancellation and the life of tasks: as on CPython's own loop."""

from __future__ import annotations

import asyncio

import pytest
from engine_beside_cpython import World, assert_alike


def test_gather_gives_results_in_order_and_nests():
    """Results stand in the order of the arguments, at every depth, whatever completes first."""

    async def program(w: World) -> object:
        async def logged(label: str, delay: float) -> str:
            result = await w.act(label, delay)
            w.log("got", result)
            return result

        same = asyncio.ensure_future(logged("same", 2.5))
        inner = asyncio.gather(logged("b", 3), logged("c", 1))
        result = await asyncio.gather(logged("a", 2), inner, asyncio.gather(), same, same)
        w.log(result)
        return result

    assert_alike(program)


def test_gather_raises_the_first_failure_and_lets_the_others_go_on():
    """Without return_exceptions the first failure comes out at once; siblings keep running."""

    async def program(w: World) -> object:
        async def slow() -> None:
            await w.act("slow", 5)
            w.log("slow is done")

        other = asyncio.ensure_future(slow())
        try:
            await asyncio.gather(w.act("a", 2), w.act("b", 1, "value"), other, w.act("c", 3, "key"))
        except ValueError as error:
            w.log("caught", error, other.done())
        await other
        return "end"

    assert_alike(program)


def test_gather_returns_exceptions_when_asked():
    """With return_exceptions failures and cancellations stand among the results."""

    async def program(w: World) -> object:
        doomed = asyncio.ensure_future(w.act("doomed", 9))
        asyncio.get_running_loop().call_later(1.5, doomed.cancel, "because")
        results = await asyncio.gather(w.act("a", 2), w.act("b", 1, "value"), doomed, return_exceptions=True)
        w.log(results)
        return results

    assert_alike(program)


@pytest.mark.parametrize("return_exceptions", [True, False])
def test_a_cancelled_gather_cancels_its_children(return_exceptions):
    """Cancelling the gathering future cancels each child, in order, and then raises."""

    async def program(w: World) -> object:
        async def child(label: str, delay: float) -> None:
            try:
                await w.act(label, delay)
            except asyncio.CancelledError as error:
                w.log(label, "cancelled", error)
                await w.act(f"{label} cleans up", 0.25 * delay)
                w.log(label, "cleaned up")
                raise

        both = asyncio.gather(child("a", 5), child("b", 3), return_exceptions=return_exceptions)
        await asyncio.sleep(1)
        w.log(both.cancel("enough"), both.done())
        try:
            await both
        except asyncio.CancelledError as error:
            w.log("gather", error, both.cancelled())
        await asyncio.sleep(5.5)
        return "end"

    assert_alike(program)


def test_a_cancelled_child_cancels_the_gather():
    """A child that is cancelled on its own makes the gather raise CancelledError."""

    async def program(w: World) -> object:
        child = asyncio.ensure_future(w.act("child", 5))
        asyncio.get_running_loop().call_later(1, child.cancel)
        try:
            await asyncio.gather(w.act("a", 3), child)
        except asyncio.CancelledError as error:
            w.log("cancelled", error)
        return "end"

    assert_alike(program)


def test_a_task_group_waits_for_all_and_nests():
    """A group ends when its last task has, those of inner groups and those added later included."""

    async def program(w: World) -> object:
        async with asyncio.TaskGroup() as outer:
            first = outer.create_task(w.act("a", 2), name="first")

            async def late() -> str:
                await w.act("b", 1)
                async with asyncio.TaskGroup() as inner:
                    tasks = [inner.create_task(w.act(label, delay)) for label, delay in (("c", 3), ("d", 0.5))]
                w.log("inner", [task.result() for task in tasks])
                outer.create_task(w.act("e", 4)).add_done_callback(lambda task: w.log("late one", task.result()))
                return "late"

            second = outer.create_task(late())
            w.log("body")
        w.log(first.get_name(), first.result(), second.result())
        return "end"

    assert_alike(program)


def test_a_failure_in_a_task_group_cancels_the_others():
    """The others are cancelled and may clean up; all failures come out as a group."""

    async def program(w: World) -> object:
        async def task(label: str, delay: float) -> None:
            try:
                await w.act(label, delay)
            finally:
                w.log(label, "leaves")
                await w.act(f"{label} cleans up", delay / 8)
                w.log(label, "is clean")

        async def spoils() -> None:
            try:
                await asyncio.sleep(9)
            finally:
                raise KeyError("while cancelled")

        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(task("a", 5))
                group.create_task(task("b", 7))
                group.create_task(spoils())
                group.create_task(w.act("c", 1, "value"))
                try:
                    await asyncio.sleep(3)
                except asyncio.CancelledError as error:
                    w.log("body", error)
                    raise
        except* ValueError as errors:
            w.log("values", errors)
        except* KeyError as errors:
            w.log("keys", errors)
        return "end"

    assert_alike(program, is_ordered=False)  # the group cancels its tasks in the order of a set


def test_a_task_group_whose_parent_is_cancelled():
    """Cancelling the parent reaches the tasks; the parent sees CancelledError, or the group of failures."""

    async def program(w: World) -> object:
        async def group_of(label: str, fails: bool) -> None:
            async def child() -> None:
                try:
                    await w.act(label, 9)
                except asyncio.CancelledError:
                    w.log(label, "cancelled")
                    if fails:
                        raise OSError(label) from None
                    raise

            async with asyncio.TaskGroup() as group:
                group.create_task(child())

        for label, fails in (("plain", False), ("failing", True)):
            parent = asyncio.ensure_future(group_of(label, fails))
            await asyncio.sleep(1)
            parent.cancel("stop")
            try:
                await parent
            except BaseException as error:  # noqa: BLE001  a cancellation or a group
                w.log(label, error, parent.cancelled(), parent.cancelling())
        return "end"

    assert_alike(program)


def test_cancel_uncancel_and_cancelling_count():
    """Requests to cancel are counted, may be swallowed, and reach whatever the task awaits next."""

    async def program(w: World) -> object:
        async def stubborn() -> str:
            me = asyncio.current_task()
            assert me is not None
            for _ in range(2):
                try:
                    await w.act("work", 5)
                except asyncio.CancelledError as error:
                    w.log("asked", error, me.cancelling())
            w.log(me.uncancel(), me.uncancel(), me.uncancel(), me.cancelling())
            return await w.act("last", 1)

        task = asyncio.ensure_future(stubborn())
        w.log(task.cancelling(), task.cancelled(), task.done())
        await asyncio.sleep(1)
        w.log(task.cancel("one"), task.cancel("two"))
        await asyncio.sleep(1)
        w.log(task.cancel("three"))
        w.log(await task, task.cancel(), task.cancelled())
        never = asyncio.ensure_future(w.act("never", 1))
        never.cancel("before it began")
        try:
            await never
        except asyncio.CancelledError as error:
            w.log(error, never.cancelled())
        return "end"

    assert_alike(program)


@pytest.mark.parametrize("cancel_at", [0.5, 1.5, 4.0])
def test_a_request_to_stop_reaches_what_the_main_task_awaits(cancel_at):
    """Outside cancellation arrives as CancelledError; clean-up may await, and may swallow it."""

    async def program(w: World) -> object:
        async def shielded() -> None:
            await asyncio.shield(w.act("b", 3))

        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(w.act("a", 1))
                group.create_task(shielded())
        except asyncio.CancelledError:
            w.log("cancelled")
            await w.act("clean up", 2)
            w.log("clean")
            if cancel_at == 0.5:
                raise
            return "swallowed"
        w.log("the group is done")
        await asyncio.sleep(3)
        w.log("not reached")

    assert_alike(program, cancel_at=cancel_at)


def test_current_task_all_tasks_and_names():
    """Tasks know themselves, their names and each other; those that are done are not listed."""

    async def program(w: World) -> object:
        main = asyncio.current_task()

        async def named() -> str:
            me = asyncio.current_task()
            assert me is not None
            assert me is not main
            await w.act(me.get_name(), 1 + len(me.get_name()))
            return me.get_name()

        tasks = [asyncio.create_task(named(), name=name) for name in ("a", "bb", "ccc")]
        tasks[1].set_name("b" * 5)
        unnamed = asyncio.create_task(named())
        prefix, number = unnamed.get_name().split("-")
        w.log(prefix, number.isdigit(), "bbbbb" in repr(tasks[1]), asyncio.current_task() is main)
        unnamed.cancel()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        w.log(asyncio.all_tasks() == {main, *tasks}, asyncio.all_tasks(asyncio.get_running_loop()) == {main, *tasks})
        await tasks[0]
        w.log(asyncio.all_tasks() == {main, *tasks[1:]})
        w.log(await asyncio.gather(*tasks))
        return "end"

    assert_alike(program)


def test_tasks_start_when_the_loop_comes_round():
    """create_task runs nothing at once; tasks, callbacks and sleep(0) take turns in one queue."""

    async def program(w: World) -> object:
        async def turns(label: str) -> str:
            for n in range(3):
                w.log(label, n)
                await asyncio.sleep(0)
            return label

        tasks = [asyncio.create_task(turns(label)) for label in "ab"]
        tasks[0].add_done_callback(lambda task: w.log("callback", task.result()))
        asyncio.get_running_loop().call_soon(w.log, "soon")
        w.log("created")
        await asyncio.sleep(-1)
        w.log("main")
        for task in tasks:
            await task
        w.log("awaited")
        await asyncio.sleep(0)
        return "end"

    assert_alike(program)


def test_tasks_are_refused_a_second_life_as_on_cpython():
    """Awaiting itself, an awaited coroutine and a value that is no awaitable raise what CPython raises."""

    async def program(w: World) -> object:
        async def itself() -> None:
            me = asyncio.current_task()
            assert me is not None
            await me

        async def bad() -> None:
            await Bad()

        class Bad:
            def __await__(self):
                yield 17

        for make in (itself, bad):
            try:
                await asyncio.create_task(make())
            except RuntimeError as error:
                w.log(str(error).partition("<")[0])
        coroutine = w.act("once", 1)
        await coroutine
        try:
            await coroutine
        except RuntimeError as error:
            w.log(error)
        for wrong in (5, None):
            try:
                w.log(asyncio.ensure_future(wrong))  # type: ignore[type-var]
            except TypeError as error:
                w.log(error)
        task = asyncio.create_task(asyncio.sleep(1))
        for call in (task.result, task.exception):
            try:
                call()
            except asyncio.InvalidStateError as error:
                w.log(error)
        await task
        return "end"

    assert_alike(program)
