"""What asyncio leaves to memory addresses takes one order inside workflows: as_completed, all_tasks, sets of gathers.

The rest of the process keeps asyncio as it is: each change asks first whether the running loop is a workflow's.
"""

from __future__ import annotations

import asyncio
import asyncio.tasks
import inspect
from collections.abc import Callable, Iterable, Iterator
from types import FunctionType
from typing import Any

from maestro_workflow_engine.machine._current import MachineLoop

_ORIGINAL = "_maestro_original"


def install() -> None:
    """Teach asyncio the order of workflows; calling it again changes nothing.

    `as_completed` and `all_tasks` get other code but stay the same objects, so that a name that was imported from asyncio before
    this package means the same as one imported later.
    """
    _lend_code("as_completed", _as_completed_code)
    _lend_code("all_tasks", _all_tasks_code)
    gathering: Any = asyncio.tasks._GatheringFuture  # type: ignore[attr-defined]  # typeshed leaves it out
    gathering.__hash__ = _hash_of_gathering


def as_completed(fs: Any, *, timeout: float | None = None) -> Any:
    """Do what `asyncio.as_completed` does; in a workflow, start coroutines in the order in which they are given.

    Args:
        fs: Coroutines, tasks or futures.
        timeout: As for `asyncio.as_completed`, in seconds.

    Returns:
        What this version of Python returns: a generator, or an iterator that is asynchronous too.
    """
    loop = asyncio._get_running_loop()
    if isinstance(loop, MachineLoop) and not (
        asyncio.iscoroutine(fs) or inspect.isawaitable(fs)
    ):  # CPython refuses those
        fs = _Started(fs, loop)
    return _original("as_completed")(fs, timeout=timeout)


def all_tasks(loop: asyncio.AbstractEventLoop | None = None) -> set[asyncio.Task[Any]]:
    """Do what `asyncio.all_tasks` does; for a workflow's loop, without a look at the tasks of every other run.

    Args:
        loop: Whose tasks. Default: the running loop's.

    Returns:
        The tasks that are not done.

    Raises:
        RuntimeError: No loop was given and none runs.
    """
    whose = asyncio._get_running_loop() if loop is None else loop
    if isinstance(whose, MachineLoop):
        return whose.unfinished_tasks()
    tasks: set[asyncio.Task[Any]] = _original("all_tasks")(loop)
    return tasks


class _Started:
    """The tasks of some awaitables, made when CPython asks for them: all awaitables first, then each task once, in order."""

    def __init__(self, given: Iterable[Any], loop: MachineLoop) -> None:
        self._given = given
        self._loop = loop

    def __iter__(self) -> Iterator[asyncio.Future[Any]]:
        for awaitable in dict.fromkeys(self._given):
            yield asyncio.ensure_future(awaitable, loop=self._loop)


def _hash_of_gathering(future: Any) -> int:
    loop = future.get_loop()
    if not isinstance(loop, MachineLoop):
        return object.__hash__(future)
    try:
        return int(future._order)
    except AttributeError:
        future._order = order = loop.next_order()
        return order


# These run with the names of asyncio.tasks around them, so they look up all they need themselves.


def _as_completed_code(fs: Any, *, timeout: float | None = None) -> Any:
    import maestro_workflow_engine.machine._asyncio_order as order  # noqa: PLC0415, PLW0406  see above

    return order.as_completed(fs, timeout=timeout)


def _all_tasks_code(loop: Any = None) -> Any:
    import maestro_workflow_engine.machine._asyncio_order as order  # noqa: PLC0415, PLW0406  see above

    return order.all_tasks(loop)


def _lend_code(name: str, code: Callable[..., Any]) -> None:
    function: Any = inspect.unwrap(getattr(asyncio.tasks, name))
    if hasattr(function, _ORIGINAL):
        return
    if not isinstance(function, FunctionType):  # written in C: only the names can be turned
        setattr(code, _ORIGINAL, function)
        setattr(asyncio, name, code)
        setattr(asyncio.tasks, name, code)
        return
    original = FunctionType(function.__code__, function.__globals__, name, function.__defaults__, function.__closure__)
    original.__kwdefaults__ = function.__kwdefaults__
    setattr(function, _ORIGINAL, original)
    function.__code__ = code.__code__


def _original(name: str) -> Any:
    return getattr(inspect.unwrap(getattr(asyncio.tasks, name)), _ORIGINAL)
