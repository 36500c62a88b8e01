"""The loop itself, futures, contexts, and what a workflow is refused: as on CPython, or with a clear word."""

from __future__ import annotations

import asyncio
import contextvars

import pytest
from engine_beside_cpython import World, assert_alike
from engine_driving import Drive

from maestro_workflow_engine import _payload, on_update, publish, receive, workflow
from maestro_workflow_engine.machine import _commands as cmd
from maestro_workflow_engine.machine import _events as ev

colour: contextvars.ContextVar[str] = contextvars.ContextVar("colour", default="none")


def test_callbacks_run_soon_later_and_at():
    """call_soon keeps its order, call_later and call_at their times; handles tell and can be cancelled."""

    async def program(w: World) -> object:
        loop = asyncio.get_running_loop()
        start = loop.time()
        loop.call_later(2, w.log, "later")
        at = loop.call_at(start + 1, w.log, "at")
        never = loop.call_later(1.5, w.log, "never")
        soon = [loop.call_soon(w.log, "soon", n) for n in range(3)]
        soon[1].cancel()
        w.log(at.when() - start, never.cancelled(), soon[1].cancelled())
        await asyncio.sleep(1.25)
        never.cancel()
        never.cancel()
        at.cancel()
        w.log(never.cancelled(), at.cancelled())
        loop.call_later(0.25, loop.call_soon, w.log, "nested")
        await asyncio.sleep(1)
        w.log(round(loop.time() - start, 6), loop.is_running(), loop.is_closed())
        return "end"

    assert_alike(program)


def test_a_callback_that_raises_stops_nothing():
    """As on CPython its exception is reported, and the loop goes on."""

    async def program(w: World) -> object:
        def bad() -> None:
            w.log("bad")
            raise ValueError("nobody hears")

        asyncio.get_running_loop().call_soon(bad)
        asyncio.get_running_loop().call_soon(w.log, "after")
        await asyncio.sleep(1)
        return "end"

    assert_alike(program)


def test_futures_take_results_exceptions_and_callbacks():
    """Callbacks run in order, once, soon after the future is done; wrong uses raise as on CPython."""

    async def program(w: World) -> object:
        loop = asyncio.get_running_loop()
        future = loop.create_future()

        def callback(label: str):
            return lambda done: w.log(label, done.result(), done is future)

        for label in "abc":
            future.add_done_callback(callback(label))
        removed = callback("removed")
        future.add_done_callback(removed)
        w.log(future.remove_done_callback(removed), future.remove_done_callback(removed))
        loop.call_later(1, future.set_result, "value")
        w.log(await future, future.done(), future.cancelled(), future.cancel())
        future.add_done_callback(callback("late"))
        w.log("not yet")
        await asyncio.sleep(0)
        for call in (lambda: future.set_result(2), lambda: future.set_exception(ValueError())):
            try:
                call()
            except asyncio.InvalidStateError:
                w.log("invalid")
        failed = loop.create_future()
        failed.set_exception(KeyError("k"))
        try:
            await failed
        except KeyError as error:
            w.log(error, failed.exception())
        gone = loop.create_future()
        loop.call_later(1, gone.cancel, "gone")
        try:
            await gone
        except asyncio.CancelledError as error:
            w.log(error, gone.cancelled())
        try:
            loop.create_future().set_exception(StopIteration)
        except TypeError as error:
            w.log(error)
        return "end"

    assert_alike(program)


def test_contexts_are_copied_into_tasks_and_callbacks():
    """A task sees the variables of its creation, keeps its own changes, and may be given a context."""

    async def program(w: World) -> object:
        loop = asyncio.get_running_loop()
        colour.set("red")

        async def task(new: str) -> None:
            w.log(new, "saw", colour.get())
            colour.set(new)
            await w.act(new, len(new))
            w.log(new, "kept", colour.get())

        first = asyncio.create_task(task("green"))
        loop.call_later(0.5, lambda: w.log("callback", colour.get()))
        given = contextvars.copy_context()
        given.run(colour.set, "given")
        second = asyncio.create_task(task("blue"), context=given)
        first.add_done_callback(lambda _: w.log("done", colour.get()))
        colour.set("yellow")
        loop.call_soon(lambda: w.log("soon", colour.get()))
        loop.call_soon(lambda: w.log("in given", colour.get()), context=given)
        await asyncio.wait([first, second])
        w.log(colour.get(), given[colour])
        await task("main")
        w.log(colour.get())
        return "end"

    assert_alike(program)


def test_another_loop_is_refused_as_on_cpython():
    """asyncio.run, Runner.run and a loop of one's own raise RuntimeError inside a workflow, as inside any coroutine."""

    async def program(w: World) -> object:
        async def nothing() -> None: ...

        def with_runner(coroutine):
            runner = asyncio.Runner()
            try:
                runner.run(coroutine)
            finally:
                runner.get_loop().close()

        def with_loop(coroutine):
            loop = asyncio.new_event_loop()
            try:
                loop.run_until_complete(coroutine)
            finally:
                loop.close()

        for call in (asyncio.run, with_runner, with_loop):
            coroutine = nothing()
            try:
                call(coroutine)
            except RuntimeError as error:
                w.log(error)
            coroutine.close()
        return await w.act("the workflow's own loop still works", 1)

    assert_alike(program)


@pytest.mark.parametrize(
    ("use", "word"),
    [
        (lambda loop: loop.run_in_executor(None, print), "put the call into a @step"),
        (lambda loop: loop.call_soon_threadsafe(print), "send it a signal"),
        (lambda loop: loop.run_forever(), "the engine drives the loop of a workflow"),
        (lambda loop: loop.stop(), "the engine drives the loop of a workflow"),
        (lambda loop: loop.close(), "the engine drives the loop of a workflow"),
        (lambda loop: loop.set_debug(True), "cannot be changed"),
        (lambda loop: loop.set_task_factory(None), "cannot be changed"),
        (lambda loop: loop.set_default_executor(None), "cannot be changed"),
        (lambda loop: loop.set_exception_handler(print), "await the task to handle its exception"),
        (lambda loop: loop.add_reader(0, print), "put it into a @step"),
        (lambda loop: loop.add_signal_handler(2, print), "put it into a @step"),
        (lambda loop: loop.getaddrinfo("localhost", 80), "put it into a @step"),
        (lambda loop: loop.create_connection(None, "localhost", 80), "put it into a @step"),
        (lambda loop: loop.subprocess_shell(None, "true"), "put it into a @step"),
    ],
)
def test_what_the_loop_refuses_it_refuses_with_what_to_do(use, word):
    """Threads, sockets, processes and changes to the loop fail the run with a message that helps."""

    @workflow
    async def flow() -> None:
        use(asyncio.get_running_loop())

    drive = Drive(flow)
    assert isinstance(drive.closing, cmd.FailRun)
    assert drive.closing.failure.type.endswith("WorkflowContextError")
    assert word in drive.closing.failure.message


def test_what_the_loop_may_be_asked():
    """Code that looks at handlers and factories finds none."""

    @workflow
    async def flow() -> list[object]:
        loop = asyncio.get_running_loop()
        return [
            loop.get_debug(),
            loop.get_exception_handler(),
            loop.get_task_factory(),
            loop is asyncio.get_event_loop(),
        ]

    assert Drive(flow).output == [False, None, None, True]


def test_names_of_tasks_count_within_the_run():
    """Default names do not depend on what else the process runs, nor on the run's seed."""

    @workflow
    async def flow() -> list[str]:
        async def nothing() -> None: ...

        tasks = [asyncio.create_task(nothing()) for _ in range(3)]
        await asyncio.wait(tasks)
        return [task.get_name() for task in tasks]

    assert Drive(flow, seed=1).output == Drive(flow, seed=2**60).output == ["Task-2", "Task-3", "Task-4"]


def test_handlers_of_updates_run_in_the_workflows_context():
    """A handler and its validator see the variables the workflow had when it set them, not those of who delivers the request."""

    @workflow
    async def flow() -> None:
        def validate(_: object) -> None:
            publish("validated in", colour.get())

        async def handle(_: object) -> str:
            seen = colour.get()
            colour.set("changed")
            return seen

        colour.set("the workflow's")
        on_update("which", handle, validate=validate)
        colour.set("later")
        await receive("end")
        assert colour.get() == "later"

    drive = Drive(flow)
    answers: list[cmd.Command] = []
    for n in range(2):
        context = contextvars.copy_context()
        context.run(colour.set, "the runner's")
        event = ev.UpdateRequested(drive.now, f"u-{n}", "which", _payload.encode(None))
        answers += context.run(drive.feed, event)
    assert answers == [cmd.AnswerUpdate(f"u-{n}", _payload.encode("the workflow's"), None) for n in range(2)]
    assert drive.machine.published == {"validated in": _payload.encode("the workflow's")}
