"""What CPython leaves to memory addresses: the same order in every replay, and CPython's functions everywhere else."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
import textwrap

import pytest
from engine_beside_cpython import OnMachine, World, assert_alike
from engine_driving import Drive, replayed

from maestro_workflow_engine import WorkflowDefinition, step, workflow
from maestro_workflow_engine._failure import describe
from maestro_workflow_engine.machine import _commands as cmd
from maestro_workflow_engine.machine import _events as ev
from maestro_workflow_engine.machine._asyncio_order import install


@step
async def work(name: str) -> str:
    raise AssertionError("the machine never runs a step itself")


def inputs(definition: WorkflowDefinition[..., object], seed: int) -> list[bytes]:
    """Return the inputs of the steps a workflow asks for at its start."""
    return [bytes(c.input) for c in Drive(definition, seed=seed).commands if isinstance(c, cmd.RunStep)]


@pytest.mark.parametrize("seed", [1, 42, 2**60 - 7])
def test_as_completed_starts_coroutines_in_the_order_given(seed):
    """Bare coroutines begin one after another as they were given, duplicates once, whatever their addresses are."""

    @workflow
    async def flow() -> None:
        coroutines = [work(str(n)) for n in range(40)]
        for each in asyncio.as_completed([*coroutines, *coroutines]):
            await each

    assert inputs(flow, seed) == [f'"{n}"'.encode() for n in range(40)]


def test_as_completed_takes_any_iterable_when_cpython_does():
    """Any iterable is taken, and nothing begins before the first result is asked for where CPython is lazy."""

    async def program(w: World) -> object:
        class Given:
            def __iter__(self):
                for n in range(3):
                    w.log("made", n)
                    yield w.act(n, 3 - n)

        results = asyncio.as_completed(Given())
        w.log("called")
        for each in results:
            w.log(await each)
        w.log(list(asyncio.as_completed(())))
        return "end"

    assert_alike(program)


def test_as_completed_refuses_what_cpython_refuses():
    """A single awaitable, what is not iterable and what is not awaitable raise what CPython raises."""

    async def program(w: World) -> object:
        lonely = w.act("x", 1)
        for given in (lonely, (n for n in ()), 7, [5], [[]]):
            try:
                list(asyncio.as_completed(given))  # type: ignore[call-overload]
            except TypeError as error:
                w.log(error)
        lonely.close()
        return "end"

    assert_alike(program)


def test_a_name_imported_before_the_engine_means_the_same():
    """`from asyncio import as_completed` above the engine's import, as import sorters place it, is deterministic too."""
    program = textwrap.dedent("""
        from asyncio import all_tasks, as_completed
        import asyncio, inspect
        before = [as_completed, all_tasks, str(inspect.signature(as_completed))]
        from maestro_workflow_engine import workflow, _payload
        from maestro_workflow_engine.machine import WorkflowMachine, _events as ev
        assert before == [asyncio.as_completed, asyncio.all_tasks, str(inspect.signature(asyncio.as_completed))]

        @workflow
        async def flow():
            begun = []
            async def one(n):
                begun.append(n)
                return n
            coroutines = [one(n) for n in range(40)]
            for each in as_completed(coroutines):
                await each
            assert begun == list(range(40)), begun
            assert len(all_tasks()) == 1

        machine = WorkflowMachine(flow, "run-1")
        (end,) = machine.apply(ev.RunStarted(1, _payload.NULL, 3))
        assert type(end).__name__ == "CompleteRun", end
    """)
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


async def test_outside_workflows_as_completed_is_cpythons():
    """Coroutines, tasks, timeouts and errors are CPython's on any other loop, however often the change is installed."""
    install()

    async def after(n: int) -> int:
        for _ in range(n):
            await asyncio.sleep(0)
        return n

    task = asyncio.create_task(after(1))
    assert [await each for each in asyncio.as_completed([after(5), task, after(3)])] == [1, 3, 5]
    with pytest.raises(TimeoutError):
        await next(iter(asyncio.as_completed([asyncio.Event().wait()], timeout=0.001)))
    with pytest.raises(TypeError, match="expect an iterable"):
        list(asyncio.as_completed(task))  # type: ignore[call-overload]
    assert asyncio.all_tasks() == asyncio.all_tasks(asyncio.get_running_loop())
    assert asyncio.current_task() in asyncio.all_tasks()
    for left in asyncio.all_tasks() - {asyncio.current_task()}:
        left.cancel()
    gathering = asyncio.gather(after(1), after(2))
    assert len({gathering, gathering}) == 1
    assert await gathering == [1, 2]


def test_outside_any_loop_all_tasks_refuses_as_ever():
    """Without a running loop `all_tasks` raises what CPython raises."""
    with pytest.raises(RuntimeError, match="no running event loop"):
        asyncio.all_tasks()


def test_sets_of_gathers_iterate_alike_in_every_replay():
    """What gather returns may stand in the sets of wait; their order follows creation, not memory."""
    in_the_way: list[object] = []

    async def program(w: World) -> object:
        gathers = []
        for n in range(30):
            # the memory in between holds a gather of another run, or none: addresses differ from one replay to the next
            in_the_way.extend(asyncio.tasks._GatheringFuture([], loop=spare) for _ in range(chance.randrange(5)))
            gathers.append(asyncio.gather(w.act(f"{n}a", 1 + n), w.act(f"{n}b", 2 + n)))
        done, _ = await asyncio.wait(gathers)
        for each in done:
            await w.act(each.result()[0], 0.01)
        return "end"

    chance = random.Random()
    spare = asyncio.new_event_loop()
    try:
        run = OnMachine(program)
        asked = [c for c in run.drive.commands if isinstance(c, cmd.RunStep)]
        assert all(run.again()[1] == run.drive.commands for _ in range(5))
        assert len(asked) == 90
    finally:
        spare.close()


def test_all_tasks_iterates_alike_whatever_other_runs_do():
    """The set of a run's tasks is filled in the order of their creation; other runs' tasks are not even looked at."""

    async def program(w: World) -> object:
        loop = asyncio.get_running_loop()
        for n in range(30):
            asyncio.create_task(w.act(str(n), 100 + n))  # noqa: RUF006  the loop keeps it
            for _ in range(1023):  # so that the hashes of all tasks meet in one place of any small table
                loop.create_future()
        await asyncio.sleep(1)
        for task in list(asyncio.all_tasks()):
            if task is not asyncio.current_task():
                task.cancel()
                await w.act(task.get_name(), 0.01)
        return "end"

    run = OnMachine(program)
    others = []
    for seed in range(5):
        others.append(OnMachine(program, seed=seed * 7))
        assert run.again()[1] == run.drive.commands


def test_a_task_group_cancels_its_siblings_in_the_same_order_in_every_replay():
    """TaskGroup keeps its tasks in a set; the order of cancellation must not depend on memory addresses."""

    @workflow
    async def group() -> str:
        async def one(name: str) -> None:
            try:
                await work(name)
            finally:
                await work(name)

        async with asyncio.TaskGroup() as tasks:
            for name in "abcdefghij":
                tasks.create_task(one(name))
        return "never"

    def run() -> list[tuple[type, object]]:
        drive = Drive(group)
        drive.feed(ev.StepFailed(drive.now, 4, "work", drive.commands[3].input, describe(ValueError("x")), drive.now))
        drive.complete(11)  # its clean-up; only then does the task fail and the group cancel the others
        return [(type(c), bytes(c.input) if isinstance(c, cmd.RunStep) else c) for c in drive.commands]

    first = run()
    keep_memory_busy = [object() for _ in range(1000)]
    assert all(run() == first for _ in range(20))
    assert len(keep_memory_busy) == 1000
    assert sum(kind is cmd.CancelStep for kind, _ in first) == 9


def test_wait_returns_sets_that_iterate_alike_in_every_replay():
    """asyncio.wait gives sets; iterating over them is deterministic in a workflow."""

    @workflow
    async def waiter() -> list[str]:
        tasks = [asyncio.ensure_future(work(str(n))) for n in range(40)]
        done, _ = await asyncio.wait(tasks)
        return [task.result() for task in done]

    def run() -> object:
        drive = Drive(waiter)
        for seq in range(40, 0, -1):
            drive.complete(seq, f"r{seq}")
        return drive.output

    first = run()
    assert all(run() == first for _ in range(5))


def test_queues_events_semaphores_and_their_kin_work_as_in_cpython():
    """Asyncio's primitives run on the deterministic loop, and give the same order in every replay."""

    @workflow
    async def primitives() -> list[str]:
        seen: list[str] = []
        queue: asyncio.Queue[str] = asyncio.Queue(1)
        opened, gate = asyncio.Event(), asyncio.Semaphore(2)

        async def produce() -> None:
            for name in "abc":
                async with gate:
                    await queue.put(await work(name))
            opened.set()

        async def consume() -> None:
            while not (opened.is_set() and queue.empty()):
                seen.append(await queue.get())

        await asyncio.gather(produce(), consume())
        tasks = [asyncio.ensure_future(work(name)) for name in "de"]
        seen.extend([await done for done in asyncio.as_completed(tasks)])
        seen.append(await asyncio.wait_for(asyncio.shield(work("f")), 10))
        return seen

    drive = Drive(primitives)
    for seq in (1, 2, 3, 5, 4):
        drive.complete(seq, f"r{seq}")
    last = max(c.seq for c in drive.commands if isinstance(c, cmd.RunStep))
    drive.complete(last, "end")
    assert drive.output == ["r1", "r2", "r3", "r5", "r4", "end"]
    _, commands = replayed(primitives, drive.history)
    assert len(commands) == len(drive.commands)
