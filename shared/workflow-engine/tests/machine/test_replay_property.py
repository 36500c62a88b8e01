"""Random programs of nested concurrency: replay at every prefix of a history gives the same commands."""

from __future__ import annotations

import asyncio
from typing import Any

from engine_driving import Drive, replayed
from hypothesis import given, settings
from hypothesis import strategies as st

from maestro_workflow_engine import receive, step, workflow
from maestro_workflow_engine.machine import _commands as cmd

Program = Any


@step
async def act(label: int) -> int:
    raise AssertionError("never run by the machine")


leaves = st.one_of(
    st.tuples(st.just("step"), st.integers(0, 99)),
    st.tuples(st.just("sleep"), st.integers(1, 50)),
    st.tuples(st.just("yield"), st.just(0)),
)
programs = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.tuples(st.just("sequence"), st.lists(inner, min_size=1, max_size=3)),
        st.tuples(st.just("gather"), st.lists(inner, min_size=1, max_size=4)),
        st.tuples(st.just("group"), st.lists(inner, min_size=1, max_size=4)),
        st.tuples(st.just("first"), st.lists(inner, min_size=1, max_size=4)),
        st.tuples(st.just("timeout"), st.tuples(st.integers(1, 30), inner)),
        st.tuples(st.just("locked"), st.lists(inner, min_size=1, max_size=3)),
    ),
    max_leaves=12,
)


async def perform(program: Program) -> Any:  # noqa: PLR0911  one branch for each construct
    kind, body = program
    match kind:
        case "step":
            return await act(body)
        case "sleep":
            await asyncio.sleep(body)
            return None
        case "yield":
            await asyncio.sleep(0)
            return None
        case "sequence":
            return [await perform(part) for part in body]
        case "gather":
            return list(await asyncio.gather(*(perform(part) for part in body)))
        case "group":
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(perform(part)) for part in body]
            return [task.result() for task in tasks]
        case "first":
            tasks = [asyncio.ensure_future(perform(part)) for part in body]
            done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in pending:
                task.cancel()
            await asyncio.gather(*pending, return_exceptions=True)
            return [task.result() for task in done]
        case "timeout":
            try:
                async with asyncio.timeout(body[0]):
                    return await perform(body[1])
            except TimeoutError:
                return "late"
        case _:
            lock = asyncio.Lock()

            async def guarded(part: Program) -> Any:
                async with lock:
                    return await perform(part)

            return list(await asyncio.gather(*(guarded(part) for part in body)))


def seen(command: cmd.Command) -> object:
    return (command.seq, bytes(command.input)) if isinstance(command, cmd.RunStep) else command


@settings(max_examples=150, deadline=None)
@given(program=programs, choices=st.lists(st.integers(0, 1000), min_size=40, max_size=40), seed=st.integers(0, 2**60))
def test_replay_at_every_prefix_gives_the_same_commands(program: Program, choices: list[int], seed: int):
    """Whatever completes in whatever order, fresh code fed the same events asks for the same things."""

    @workflow(name="random-program")
    async def flow() -> Any:
        result = await perform(program)
        await receive("end")
        return result

    drive = Drive(flow, seed=seed)
    for choice in choices:
        open_steps = {c.seq for c in drive.machine.outstanding() if isinstance(c, cmd.RunStep)}
        open_timers = {c.seq: c.fire_at for c in drive.machine.outstanding() if isinstance(c, cmd.StartTimer)}
        ready = sorted(open_steps) + (
            [min(open_timers, key=lambda seq: (open_timers[seq], seq))] if open_timers else []
        )
        if not ready:
            break
        seq = ready[choice % len(ready)]
        if seq in open_timers:
            drive.fire(seq)
        else:
            drive.complete(seq, choice)
    drive.signal("end", None)

    machine, commands = replayed(flow, drive.history)
    assert [seen(c) for c in commands] == [seen(c) for c in drive.commands]
    assert machine.done == drive.machine.done
    for cut in range(1, len(drive.history)):
        _, prefix = replayed(flow, drive.history[:cut])
        assert [seen(c) for c in prefix] == [seen(c) for c in drive.commands[: len(prefix)]]
