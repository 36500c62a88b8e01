"""An event loop that always takes the same path: first in, first out, timers by journal, hashes by order of creation."""

from __future__ import annotations

import asyncio
import sys
from asyncio import Handle, TimerHandle
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context
from types import AsyncGeneratorType
from typing import TYPE_CHECKING, Any, NoReturn, cast

from maestro_workflow_engine._errors import WorkflowContextError
from maestro_workflow_engine.machine._current import MachineLoop

if TYPE_CHECKING:
    from maestro_workflow_engine.machine._machine import WorkflowMachine

MAX_CALLBACKS_PER_EVENT = 1_000_000
_MAX_CLOSE_ATTEMPTS = 1000
_KEPT_GENERATORS = 16  # how many async generators may gather before the exhausted ones are forgotten


class _OrderedTask(asyncio.Task[Any]):
    """A task whose hash is the order of its creation, so that sets of tasks iterate alike in every replay."""

    def __init__(self, order: int, coro: Coroutine[Any, Any, Any], **kwargs: Any) -> None:
        self._order = order
        super().__init__(coro, **kwargs)

    def __hash__(self) -> int:
        return self._order


class _OrderedFuture(asyncio.Future[Any]):
    """A future whose hash is the order of its creation."""

    def __init__(self, order: int, loop: asyncio.AbstractEventLoop) -> None:
        self._order = order
        super().__init__(loop=loop)

    def __hash__(self) -> int:
        return self._order


class _Nobody:
    """Stands in for the machine of a run that has left memory, before what is still freed of its code."""

    def start_timer(self, _handle: TimerHandle) -> None:
        """Nothing fires any more."""

    def cancel_timer(self, _handle: TimerHandle) -> None:
        """There is no timer any more."""

    def _command(self, _command: object) -> None:
        """Nothing is done any more."""

    def report(self, _context: dict[str, Any]) -> None:
        """Nobody is told: the run has not ended."""


_NOBODY = _Nobody()


class DeterministicLoop(MachineLoop):
    """Runs one workflow's callbacks. The machine turns its timers into commands and moves its clock.

    The hash of tasks starts at a seed that the run's history keeps: asyncio itself (TaskGroup, wait) iterates over sets of
    tasks, and the order of a set follows the hashes of its members.
    """

    def __init__(self, machine: WorkflowMachine) -> None:
        self.machine = machine
        self.now_us = 0
        self._ready: deque[Handle] = deque()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._order = 0
        self._first_order = 0
        self._generators: list[AsyncGeneratorType[Any, Any]] = []
        self._prune_at = _KEPT_GENERATORS

    def seed_order(self, seed: int) -> None:
        """Set where the order of creation starts counting."""
        self._order = self._first_order = seed & 0x3FFF_FFFF_FFFF

    def next_order(self) -> int:
        """Return the hash of what is created next."""
        self._order += 1
        return self._order

    def unfinished_tasks(self) -> set[asyncio.Task[Any]]:
        """Return the tasks that are not done, in a set that was filled in the order of their creation."""
        return {task for task in sorted(self._tasks, key=hash) if not task.done()}

    def run_ready(self) -> None:
        """Run callbacks until none is left.

        Raises:
            WorkflowContextError: The callbacks never end (a loop that awaits nothing but sleep(0)).
        """
        ready = self._ready
        if not ready:
            return
        previous = asyncio._get_running_loop()
        hooks = sys.get_asyncgen_hooks()
        asyncio._set_running_loop(self)
        # A generator that the garbage collector finalises would run code at a random moment: it runs none.
        sys.set_asyncgen_hooks(firstiter=self._keep_generator, finalizer=_run_nothing)
        left = MAX_CALLBACKS_PER_EVENT
        try:
            while ready:
                handle = ready.popleft()
                if not handle._cancelled:
                    handle._run()
                left -= 1
                if not left:
                    msg = "the workflow spins without ever waiting: it ran a million callbacks on one event"
                    raise WorkflowContextError(msg)
        finally:
            sys.set_asyncgen_hooks(*hooks)
            asyncio._set_running_loop(previous)

    @property
    def has_generators(self) -> bool:
        """Whether there may be async generators that have begun and not ended."""
        return bool(self._generators)

    async def close_generators(self) -> None:
        """Close the async generators that were left half way, as asyncio.run does at its end: their clean-up code runs now.

        One that waits for something itself belongs to a task that is still running, and goes with it.
        """
        begun = [each for each in self._generators if each.ag_frame is not None]
        self._generators = [each for each in begun if each.ag_running]
        left = [each for each in begun if not each.ag_running]
        if not left:
            return
        results = await asyncio.gather(*(each.aclose() for each in left), return_exceptions=True)
        for generator, result in zip(left, results, strict=True):
            if isinstance(result, Exception):
                message = f"an error occurred during closing of asynchronous generator {generator.__name__}"
                self.call_exception_handler({"message": message, "exception": result, "asyncgen": generator})

    def abandon(self) -> None:
        """Drop every task without letting its clean-up code reach the journal: the run lives on in its history."""
        previous = asyncio._get_running_loop()
        asyncio._set_running_loop(self)
        try:
            for _ in range(_MAX_CLOSE_ATTEMPTS):
                tasks, self._tasks = self._tasks, set()
                if not tasks:
                    break
                for task in sorted(tasks, key=hash):  # their clean-up code may start further ones
                    task._log_destroy_pending = False  # type: ignore[attr-defined]  # the switch asyncio has for this
                    coro = task.get_coro()
                    if coro is not None:
                        _close_for_good(coro.close)
            for (
                generator
            ) in self._generators:  # their own code no longer runs, but what they await must not outlive the loop
                close = getattr(generator.ag_await, "close", None)
                if close is not None:
                    _close_for_good(close)
            self._tasks.clear()
            self._ready.clear()
            self._generators.clear()
        finally:
            asyncio._set_running_loop(previous)

    def part(self) -> None:
        """Forget the machine, whose run has left memory.

        The two then hold each other no longer and are freed at once, instead of by a garbage collection that stops every run.
        """
        self.machine = cast("WorkflowMachine", _NOBODY)

    def _keep_generator(self, generator: Any) -> None:
        if len(self._generators) >= self._prune_at:
            self._generators = [each for each in self._generators if each.ag_frame is not None]
            self._prune_at = max(_KEPT_GENERATORS, 2 * len(self._generators))
        self._generators.append(generator)

    # The part of the loop interface that asyncio's own primitives use.

    def time(self) -> float:
        """Return the workflow's time: that of the event being applied, in seconds since the epoch."""
        return self.now_us / 1e6

    def call_soon(self, callback: Callable[..., object], *args: Any, context: Context | None = None) -> Handle:  # type: ignore[override]  # typeshed ties callback and arguments together
        """Queue a callback."""
        handle = Handle(callback, args, self, context)
        self._ready.append(handle)
        return handle

    def call_later(  # type: ignore[override]  # typeshed ties callback and arguments together
        self, delay: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> TimerHandle:
        """Start a durable timer, `delay` seconds from now."""
        return self.call_at(self.time() + delay, callback, *args, context=context)

    def call_at(  # type: ignore[override]  # typeshed ties callback and arguments together
        self, when: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> TimerHandle:
        """Start a durable timer."""
        handle = TimerHandle(when, callback, args, self, context)
        self.machine.start_timer(handle)
        return handle

    def fire(self, handle: TimerHandle) -> None:
        """Queue the callback of a timer that reached its time."""
        self._ready.append(handle)

    def _timer_handle_cancelled(self, handle: TimerHandle) -> None:
        self.machine.cancel_timer(handle)

    def inner_future(self) -> asyncio.Future[Any]:
        """Return a future that workflow code never holds, and so never puts into a set; it counts like any other."""
        self._order += 1
        return asyncio.Future(loop=self)

    def create_future(self) -> asyncio.Future[Any]:
        """Return a future of this loop."""
        self._order += 1
        return _OrderedFuture(self._order, self)

    def create_task(  # type: ignore[override]  # typeshed ties callback and arguments together
        self, coro: Coroutine[Any, Any, Any], *, name: str | None = None, context: Context | None = None, **kwargs: Any
    ) -> asyncio.Task[Any]:
        """Start a task. Its default name counts within the run; further arguments are those of this Python's tasks."""
        self._order += 1
        if name is None:
            name = f"Task-{self._order - self._first_order}"
        task = _OrderedTask(self._order, coro, loop=self, name=name, context=context, **kwargs)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Hand an exception that nobody awaited to the machine."""
        self.machine.report(context)

    def default_exception_handler(self, context: dict[str, Any]) -> None:
        """Hand an exception that nobody awaited to the machine."""
        self.machine.report(context)

    def get_exception_handler(self) -> None:
        """Return None: a workflow has no handler of its own, because asyncio may call one whenever memory is freed."""

    def get_task_factory(self) -> None:
        """Return None: the loop makes the tasks."""

    def get_debug(self) -> bool:
        """Return False: asyncio's debug mode reads the clock."""
        return False

    def is_running(self) -> bool:
        """Return True: the loop exists only while its machine runs it."""
        return True

    def is_closed(self) -> bool:
        """Return False: a machine is dropped, never closed."""
        return False

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> NoReturn:  # type: ignore[override]  # typeshed ties callback and arguments together
        """Refuse: threads are not deterministic."""
        raise WorkflowContextError(
            "a workflow cannot use threads (to_thread, run_in_executor): put the call into a @step"
        )

    def call_soon_threadsafe(  # type: ignore[override]  # typeshed ties callback and arguments together
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> NoReturn:
        """Refuse: other threads cannot reach into a workflow."""
        raise WorkflowContextError("other threads cannot call into a workflow: send it a signal")


def _close_for_good(close: Callable[[], object]) -> None:
    """Close a coroutine even where its clean-up code awaits: left half closed, that code would run at the next collection."""
    for _ in range(_MAX_CLOSE_ATTEMPTS):
        try:
            close()
        except RuntimeError:  # "coroutine ignored GeneratorExit": it awaited once more
            continue
        except BaseException:  # noqa: BLE001, S110  whatever clean-up code raises here must not end the engine
            pass
        return


def _run_nothing(_generator: object) -> None:
    """Stand in for the finalisation of an async generator: with a finaliser Python runs no code of the generator itself."""


def _refusing(name: str, because: str) -> Callable[..., NoReturn]:
    def refuse(*_args: object, **_kwargs: object) -> NoReturn:
        raise WorkflowContextError(because.format(name))

    return refuse


_DRIVEN = "the engine drives the loop of a workflow ({0}): await what you need, or put it into a @step"
_SETTING = "the loop of a workflow cannot be changed ({0})"
_IO = "a workflow cannot do input and output itself ({0}): put it into a @step"
_REFUSED = {
    **dict.fromkeys(("run_forever", "run_until_complete", "stop", "close"), _DRIVEN),
    **dict.fromkeys(("shutdown_asyncgens", "shutdown_default_executor"), _DRIVEN),
    **dict.fromkeys(("set_debug", "set_task_factory", "set_default_executor"), _SETTING),
    "set_exception_handler": _SETTING + ": what nobody awaits is logged; await the task to handle its exception",
}
for _name in dir(asyncio.AbstractEventLoop):
    if not _name.startswith("_") and _name not in vars(DeterministicLoop):
        setattr(DeterministicLoop, _name, _refusing(_name, _REFUSED.get(_name, _IO)))
