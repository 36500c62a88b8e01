"""An event loop that always takes the same path: first in, first out, timers by journal, hashes by order of creation."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from asyncio import Handle, TimerHandle
from collections import deque
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextvars import Context
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

from maestro_workflow_engine._errors import WorkflowContextError
from maestro_workflow_engine.machine._current import MachineLoop

if TYPE_CHECKING:
    from maestro_workflow_engine.machine._machine import WorkflowMachine

MAX_CALLBACKS_PER_EVENT = 1_000_000
_MAX_CLOSE_ATTEMPTS = 1000


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
        self._generators: list[AsyncGenerator[Any, Any]] = []

    def seed_order(self, seed: int) -> None:
        """Set where the order of creation starts counting."""
        self._order = seed & 0x3FFF_FFFF_FFFF

    def run_ready(self) -> None:
        """Run callbacks until none is left.

        Raises:
            WorkflowContextError: The callbacks never end (a loop that awaits nothing but sleep(0)).
        """
        previous = asyncio._get_running_loop()
        hooks = sys.get_asyncgen_hooks()
        asyncio._set_running_loop(self)
        # A generator that the garbage collector finalises would run code at a random moment: keep it until the end.
        sys.set_asyncgen_hooks(firstiter=self._generators.append, finalizer=None)
        ready = self._ready
        left = MAX_CALLBACKS_PER_EVENT
        try:
            while ready:
                handle = ready.popleft()
                if not handle.cancelled():
                    handle._run()
                left -= 1
                if not left:
                    msg = "the workflow spins without ever waiting: it ran a million callbacks on one event"
                    raise WorkflowContextError(msg)
        finally:
            sys.set_asyncgen_hooks(*hooks)
            asyncio._set_running_loop(previous)

    def abandon(self) -> None:
        """Drop every task without letting its clean-up code reach the journal: the run lives on in its history."""
        previous = asyncio._get_running_loop()
        asyncio._set_running_loop(self)
        try:
            for task in sorted(self._tasks, key=hash):
                task._log_destroy_pending = False  # type: ignore[attr-defined]  # the switch asyncio has for this
                coro = task.get_coro()
                if coro is not None:
                    _close_for_good(coro.close)
            for generator in self._generators:
                _close_for_good(partial(_close_generator, generator))
        finally:
            asyncio._set_running_loop(previous)
        self._tasks.clear()
        self._ready.clear()
        self._generators.clear()

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

    def create_future(self) -> asyncio.Future[Any]:
        """Return a future of this loop."""
        self._order += 1
        return _OrderedFuture(self._order, self)

    def create_task(  # type: ignore[override]  # typeshed ties callback and arguments together
        self, coro: Coroutine[Any, Any, Any], *, name: str | None = None, context: Context | None = None
    ) -> asyncio.Task[Any]:
        """Start a task."""
        self._order += 1
        task = _OrderedTask(self._order, coro, loop=self, name=name or f"task-{self._order}", context=context)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Hand an exception that nobody awaited to the machine."""
        self.machine.report(context)

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


def _close_generator(generator: AsyncGenerator[Any, Any]) -> None:
    with contextlib.suppress(StopIteration):
        generator.aclose().send(None)


def _refusing(name: str) -> Callable[..., NoReturn]:
    def refuse(*_args: object, **_kwargs: object) -> NoReturn:
        raise WorkflowContextError(f"a workflow cannot do input and output itself ({name}): put it into a @step")

    return refuse


for _name in dir(asyncio.AbstractEventLoop):
    _is_io = _name.startswith(
        ("create_", "connect_", "add_", "remove_", "sock_", "subprocess_", "get", "sendfile", "start_")
    )
    if _is_io and _name not in {"create_future", "create_task", "get_debug"}:
        setattr(DeterministicLoop, _name, _refusing(_name))
