"""Programs of nested concurrency as plain data, a workflow that performs one, and a driver that lets things happen at random.

A program is a pair: what to do, and with what. Being data, it can be drawn by hypothesis and handed to another process.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from hypothesis import strategies as st

from maestro_workflow_engine import WorkflowDefinition, on_update, publish, receive, step, workflow

Program = Any
_MODES = {"all": asyncio.ALL_COMPLETED, "first": asyncio.FIRST_COMPLETED, "exception": asyncio.FIRST_EXCEPTION}
_ERRORS: dict[str, type[Exception]] = {"value": ValueError, "key": KeyError, "timeout": TimeoutError}

_seconds = st.integers(1, 30)
_limits = st.one_of(st.none(), _seconds)


def _leaf(drawn: tuple[str, int]) -> Program:
    kind, n = drawn
    match kind:
        case "sleep":
            return (kind, n // 2 - 1)
        case "receive":
            return (kind, "ab"[n % 2])
        case "raise":
            return (kind, sorted(_ERRORS)[n % len(_ERRORS)])
        case "cancel_all":
            return (kind, None)
    return (kind, n)


_weights = {"step": 24, "sleep": 8, "receive": 3, "raise": 3, "cancel_all": 1}
_kinds = [kind for kind, weight in _weights.items() for _ in range(weight)]
leaves = st.tuples(st.sampled_from(_kinds), st.integers(0, 99)).map(_leaf)


def _combined(inner: st.SearchStrategy[Program]) -> st.SearchStrategy[Program]:
    several = st.lists(inner, min_size=2, max_size=4)
    plain = (
        "sequence",
        "gather",
        "collect",
        "group",
        "locked",
        "gated",
        "pipeline",
        "event",
        "condition",
        "barrier",
        "gathers",
    )
    return st.one_of(
        *(st.tuples(st.just(kind), several) for kind in plain),
        st.tuples(st.just("wait"), st.tuples(st.sampled_from(sorted(_MODES)), _limits, several)),
        st.tuples(st.just("as_completed"), st.tuples(_limits, several)),
        st.tuples(st.just("generator"), st.tuples(st.integers(0, 3), st.booleans(), several)),
        *(st.tuples(st.just(kind), st.tuples(_seconds, inner)) for kind in ("timeout", "wait_for", "shield", "cancel")),
        st.tuples(st.just("catch"), inner),
        st.tuples(st.just("finally"), st.tuples(inner, inner)),
    )


_parts = st.recursive(leaves, _combined, max_leaves=10)
programs = st.tuples(
    st.sampled_from(["collect", "gathers", "gated", "group"]), st.lists(_parts, min_size=2, max_size=5)
)


@step
async def act(label: int) -> int:
    raise AssertionError("never run by the machine")


class Performer:
    """Performs a program and publishes what happens."""

    def __init__(self) -> None:
        self.happened: list[str] = []
        self.lock = asyncio.Lock()

    def note(self, what: str) -> None:
        """Publish that something happened."""
        self.happened.append(what)
        publish("happened", self.happened)

    async def perform(self, program: Program) -> Any:
        """Do what a program says."""
        kind, body = program
        result = await getattr(self, f"do_{kind}")(body)
        self.note(f"{kind} {result}")
        return result

    async def do_step(self, label: int) -> int:
        return await act(label)

    async def do_sleep(self, seconds: int) -> None:
        await asyncio.sleep(seconds)

    async def do_receive(self, name: str) -> int:
        return int(await receive(name))

    async def do_raise(self, kind: str) -> None:
        raise _ERRORS[kind](kind)

    async def do_cancel_all(self, _: None) -> int:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        names = [task.get_name() for task in others if task.get_name() != "workflow"]
        for task in others:
            if task.get_name() != "workflow":
                task.cancel()
        return len(names)

    async def do_sequence(self, parts: list[Program]) -> list[Any]:
        return [await self.perform(part) for part in parts]

    async def do_gather(self, parts: list[Program]) -> list[Any]:
        return list(await asyncio.gather(*map(self.perform, parts)))

    async def do_collect(self, parts: list[Program]) -> list[str]:
        results = await asyncio.gather(*map(self.perform, parts), return_exceptions=True)
        return [type(each).__name__ for each in results]

    async def do_group(self, parts: list[Program]) -> list[Any]:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self.perform(part)) for part in parts]
        return [task.result() for task in tasks]

    async def do_wait(self, body: tuple[str, int | None, list[Program]]) -> list[str]:
        mode, timeout, parts = body
        tasks = [asyncio.create_task(self.perform(part)) for part in parts]
        done, pending = await asyncio.wait(tasks, return_when=_MODES[mode], timeout=timeout)
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
        return [str(tasks.index(task)) for task in [*done, *pending]]

    async def do_as_completed(self, body: tuple[int | None, list[Program]]) -> list[str]:
        timeout, parts = body
        results = []
        for each in asyncio.as_completed(list(map(self.perform, parts)), timeout=timeout):
            try:
                results.append(str(await each))
            except (ValueError, TimeoutError) as error:
                results.append(type(error).__name__)
        return results

    async def do_gathers(self, parts: list[Program]) -> list[int]:
        gathers = [asyncio.gather(self.perform(part), act(n), return_exceptions=True) for n, part in enumerate(parts)]
        done, pending = await asyncio.wait(gathers, timeout=25)
        for each in pending:
            each.cancel()
        return [gathers.index(each) for each in [*done, *pending]]

    async def do_timeout(self, body: tuple[int, Program]) -> Any:
        try:
            async with asyncio.timeout(body[0]):
                return await self.perform(body[1])
        except TimeoutError:
            return "late"

    async def do_wait_for(self, body: tuple[int, Program]) -> Any:
        try:
            return await asyncio.wait_for(self.perform(body[1]), body[0])
        except TimeoutError:
            return await act(body[0])

    async def do_shield(self, body: tuple[int, Program]) -> Any:
        inner = asyncio.create_task(self.perform(body[1]))
        try:
            async with asyncio.timeout(body[0]):
                return await asyncio.shield(inner)
        except TimeoutError:
            self.note("left behind a shield")
        return await inner

    async def do_cancel(self, body: tuple[int, Program]) -> list[str]:
        task = asyncio.create_task(self.perform(body[1]))
        await asyncio.sleep(body[0])
        task.cancel()
        return [type(each).__name__ for each in await asyncio.gather(task, return_exceptions=True)]

    async def do_catch(self, part: Program) -> Any:
        try:
            return await self.perform(part)
        except Exception as error:  # noqa: BLE001  whatever it is, the program goes on
            return type(error).__name__

    async def do_finally(self, body: tuple[Program, Program]) -> Any:
        try:
            return await self.perform(body[0])
        finally:
            await self.perform(body[1])

    async def do_locked(self, parts: list[Program]) -> list[Any]:
        lock = asyncio.Lock()
        return list(await asyncio.gather(*(self._within(lock, part) for part in parts)))

    async def do_gated(self, parts: list[Program]) -> list[Any]:
        gate = asyncio.Semaphore(2)
        return list(await asyncio.gather(*(self._within(gate, part) for part in parts)))

    async def _within(self, gate: asyncio.Lock | asyncio.Semaphore, part: Program) -> Any:
        async with gate:
            return await self.perform(part)

    async def do_pipeline(self, parts: list[Program]) -> list[str]:
        queue: asyncio.PriorityQueue[tuple[int, str]] = asyncio.PriorityQueue(1)
        taken: list[str] = []

        async def produce(n: int, part: Program) -> None:
            await queue.put((n, str(await self.perform(part))))

        async def consume() -> None:
            while True:
                n, item = await queue.get()
                taken.append(f"{item} {await act(n)}")
                queue.task_done()

        consumers = [asyncio.create_task(consume()) for _ in range(2)]
        try:
            await asyncio.gather(*(produce(n, part) for n, part in enumerate(parts)))
            await queue.join()
        finally:
            for each in consumers:
                each.cancel()
        return taken

    async def do_event(self, parts: list[Program]) -> list[Any]:
        first, *others = parts
        event = asyncio.Event()

        async def waits(part: Program) -> Any:
            await event.wait()
            return await self.perform(part)

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(waits(part)) for part in others]
            tasks.append(group.create_task(self.perform(first)))
            tasks[-1].add_done_callback(lambda _: event.set())
        return [task.result() for task in tasks]

    async def do_condition(self, parts: list[Program]) -> list[Any]:
        condition = asyncio.Condition()
        turn = 0

        async def takes_its_turn(n: int, part: Program) -> Any:
            nonlocal turn
            try:
                async with condition:
                    await condition.wait_for(lambda: turn >= len(parts) - 1 - n)
                return await self.perform(part)
            finally:
                async with condition:
                    turn += 1
                    condition.notify_all()

        return list(await asyncio.gather(*(takes_its_turn(n, part) for n, part in enumerate(parts))))

    async def do_barrier(self, parts: list[Program]) -> list[int]:
        barrier = asyncio.Barrier(len(parts))

        async def party(part: Program) -> int:
            try:
                await self.perform(part)
            except ValueError:
                await barrier.abort()
            return await barrier.wait()

        return list(await asyncio.gather(*map(party, parts)))

    async def do_generator(self, body: tuple[int, bool, list[Program]]) -> list[Any]:
        stop, closes, parts = body

        async def source() -> AsyncIterator[Any]:
            try:
                for part in parts:
                    yield await self.perform(part)
            finally:
                self.note(f"closing {await act(stop)}")

        results: list[Any] = []
        generator = source()
        async with contextlib.AsyncExitStack() as stack:
            if closes:
                await stack.enter_async_context(contextlib.aclosing(generator))
            async for each in generator:
                results.append(each)
                if len(results) > stop:
                    break
        return results


def workflow_of(program: Program) -> WorkflowDefinition[..., Any]:
    """Return a workflow that performs a program, answers updates by performing steps, and ends with a signal."""

    @workflow(name="random-program")
    async def flow() -> Any:
        performer = Performer()

        async def on_add(n: int) -> int:
            performer.note(f"update {n}")
            async with performer.lock:
                return n + await act(n)

        def checked(n: int) -> None:
            if n % 5 == 0:
                raise ValueError("no multiple of five")

        on_update("add", on_add, validate=checked, type=int)
        try:
            result = await performer.perform(program)
        except asyncio.CancelledError:
            performer.note(f"cleaning up {await act(100)}")
            raise
        await receive("end")
        return result

    return flow
