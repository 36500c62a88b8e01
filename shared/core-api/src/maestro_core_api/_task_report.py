"""What the event loop is busy with, for people who look for what hangs."""

import asyncio
from typing import Any, Final

MOST_TASKS: Final = 200
_MOST_FRAMES: Final = 20


def report_tasks() -> dict[str, Any]:
    """Describe the tasks of the running event loop.

    Returns:
        `count` of all, and `tasks`: at most 200 with `name`, `coroutine` and `stack`, innermost frame last; sorted by name.
    """
    tasks = sorted(asyncio.all_tasks(), key=lambda task: task.get_name())
    return {"count": len(tasks), "tasks": [_described(task) for task in tasks[:MOST_TASKS]]}


def _described(task: asyncio.Task[Any]) -> dict[str, Any]:
    coroutine = task.get_coro()
    return {
        "name": task.get_name(),
        "coroutine": getattr(coroutine, "__qualname__", type(coroutine).__name__),
        "stack": [
            f"{frame.f_code.co_filename}:{frame.f_lineno} {frame.f_code.co_qualname}"
            for frame in task.get_stack(limit=_MOST_FRAMES)
        ],
    }
