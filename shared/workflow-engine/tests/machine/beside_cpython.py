"""One program, twice: as a workflow on the machine, and on CPython's own event loop with virtual time. What they do must be equal."""

from __future__ import annotations

import asyncio
import heapq
import selectors
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from engine_driving import Drive, replayed

from maestro_workflow_engine import step, workflow
from maestro_workflow_engine._failure import describe
from maestro_workflow_engine.machine import _commands as cmd
from maestro_workflow_engine.machine import _events as ev

EPOCH_US = 1_000_000_000_000_000
SEEDS = (1, 42, 2**60 - 7)
_FAILURES = {"value": ValueError, "key": KeyError, "os": OSError}


@step(name="act")
async def _act(label: object, delay: float, fail: str | None) -> Any:
    raise AssertionError("the machine never runs a step itself")


class World:
    """What a program sees: steps, and a place to write down what happened when."""

    def __init__(self) -> None:
        self.trace: list[tuple[Any, ...]] = []
        self.outcome: tuple[Any, ...] = ("stuck",)

    async def act(self, label: Any, delay: float, fail: str | None = None) -> Any:
        """Return the label after that many seconds, or raise: fail is "value", "key" or "os"."""
        raise NotImplementedError

    def log(self, *what: Any) -> None:
        """Write down what happened, with the time."""
        if self.outcome == ("stuck",):
            when = round(asyncio.get_running_loop().time() - EPOCH_US / 1e6, 6)
            self.trace.append((when, *map(_plain, what)))

    async def run(self, program: Program) -> None:
        """Take the program to its end and keep how it ended."""
        try:
            result = await program(self)
        except GeneratorExit:  # the machine is dropped
            raise
        except BaseException as error:
            self.outcome = ("raised", _plain(error))
            raise
        self.outcome = ("returned", _plain(result))

    @property
    def story(self) -> tuple[list[tuple[Any, ...]], tuple[Any, ...]]:
        """What happened, and how it ended."""
        return list(self.trace), self.outcome


Program = Callable[[World], Awaitable[Any]]


def _plain(value: Any) -> Any:
    if isinstance(value, BaseExceptionGroup):
        return (type(value).__name__, value.message, [_plain(each) for each in value.exceptions])
    if isinstance(value, BaseException):
        return (type(value).__name__, value.args)
    if isinstance(value, type):
        return value.__name__
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value


class _MachineWorld(World):
    async def act(self, label: Any, delay: float, fail: str | None = None) -> Any:
        return await _act(label, delay, fail)


class _CPythonWorld(World):
    async def act(self, label: Any, delay: float, fail: str | None = None) -> Any:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()

        def end() -> None:
            if not future.done():
                future.set_result(label) if fail is None else future.set_exception(_FAILURES[fail](label))

        handle = loop.call_at(loop.time() + delay, end)
        try:
            return await future
        finally:
            handle.cancel()


class _StandstillError(Exception):
    """Nothing will ever happen again."""


class _JumpingSelector(selectors.SelectSelector):
    """Does not wait: it moves the time on by as much as it was to wait."""

    now_us = EPOCH_US

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            raise _StandstillError
        self.now_us += round(timeout * 1e6)
        return []


class _VirtualLoop(asyncio.SelectorEventLoop):
    """CPython's event loop, with its own `_run_once`; only the clock is another."""

    def __init__(self) -> None:
        self._selector_ = _JumpingSelector()
        super().__init__(self._selector_)
        self._clock_resolution = 1e-6

    def time(self) -> float:
        return self._selector_.now_us / 1e6


def on_cpython(program: Program, cancel_at: float | None = None) -> World:
    """Run the program on CPython's event loop."""
    world = _CPythonWorld()

    async def main() -> None:
        task = asyncio.current_task()
        assert task is not None
        if cancel_at is not None:
            asyncio.get_running_loop().call_later(cancel_at, task.cancel)
        await world.run(program)

    with asyncio.Runner(loop_factory=_VirtualLoop) as runner:
        try:
            runner.run(main())
        except (KeyboardInterrupt, AssertionError):
            raise
        except BaseException as error:  # it is kept in the outcome, unless the loop itself stood still
            if world.outcome == ("stuck",) and not isinstance(error, _StandstillError):
                raise
        for task in asyncio.all_tasks(runner.get_loop()):
            task._log_destroy_pending = False  # type: ignore[attr-defined]  # of a program that stood still
    return world


class OnMachine:
    """The program as a workflow, with a runner that is a heap."""

    def __init__(self, program: Program, *, seed: int = 42, cancel_at: float | None = None) -> None:
        self.worlds: list[World] = []

        @workflow(name="program")
        async def flow() -> None:
            world = _MachineWorld()
            self.worlds.append(world)
            await world.run(program)

        self.flow = flow
        self.drive = Drive(flow, seed=seed)
        self._due: list[tuple[int, int, str, Any]] = []
        if cancel_at is not None:
            heapq.heappush(self._due, (EPOCH_US + round(cancel_at * 1e6), -1, "cancel", None))
        self._plan(self.drive.commands)
        while self._due and not self.drive.machine.done:
            self._next()
        self.world = self.worlds[0]

    def _plan(self, commands: list[cmd.Command]) -> None:
        for command in commands:
            match command:
                case cmd.RunStep(seq=seq, input=raw):
                    args = msgspec.json.decode(raw)
                    at = round((self.drive.machine.now_us / 1e6 + args["delay"]) * 1e6)
                    heapq.heappush(self._due, (at, seq, "step", (command, args)))
                case cmd.StartTimer(seq=seq, fire_at=at):
                    heapq.heappush(self._due, (at, seq, "timer", None))
                case cmd.CancelStep(seq=seq) | cmd.CancelTimer(seq=seq):
                    self._due = [each for each in self._due if each[1] != seq]
                    heapq.heapify(self._due)

    def _next(self) -> None:
        at, seq, kind, what = heapq.heappop(self._due)
        self.drive.now = now = max(self.drive.now, at)
        if kind == "cancel":
            self._plan(self.drive.cancel())
        elif kind == "timer":
            self._plan(self.drive.feed(ev.TimerFired(now, seq)))
        else:
            command, args = what
            if args["fail"] is None:
                self._plan(self.drive.complete_at(now, command, args["label"]))
            else:
                failure = describe(_FAILURES[args["fail"]](args["label"]))
                self._plan(self.drive.feed(ev.StepFailed(now, seq, "act", command.input, failure, now)))

    def again(self) -> tuple[World, list[cmd.Command]]:
        """Replay its history with a fresh machine."""
        _, commands = replayed(self.flow, self.drive.history)
        return self.worlds[-1], commands


def assert_alike(program: Program, *, cancel_at: float | None = None, is_ordered: bool = True) -> World:
    """Run a program on both, with several seeds, and replay it.

    Args:
        program: It; its times should differ, because CPython promises no order for timers of one moment.
        cancel_at: When somebody asks it to stop, in seconds.
        is_ordered: False where CPython's own order follows memory addresses: the same things must happen, in any order.

    Returns:
        What happened on CPython.
    """
    theirs = on_cpython(program, cancel_at)
    for seed in SEEDS:
        run = OnMachine(program, seed=seed, cancel_at=cancel_at)
        ours = run.world
        if is_ordered:
            assert ours.story == theirs.story, f"seed {seed}"
        else:
            assert sorted(map(repr, ours.trace)) == sorted(map(repr, theirs.trace)), f"seed {seed}"
            assert ours.outcome == theirs.outcome, f"seed {seed}"
        story = ours.story
        again, commands = run.again()
        assert again.story == story
        assert commands == run.drive.commands
    assert theirs.trace, "a program that writes nothing down compares nothing"
    return theirs
