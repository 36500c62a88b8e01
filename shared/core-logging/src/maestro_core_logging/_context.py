"""Fields that belong to whatever is going on: a request, a run, a step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import ContextVar, Token, copy_context
from functools import wraps
from types import MappingProxyType, TracebackType
from typing import Any, ParamSpec, TypeVar

from maestro_core_logging._fields import clean

_Parameters = ParamSpec("_Parameters")
_Result = TypeVar("_Result")

# The mapping is never changed, only replaced, so that tasks and threads that inherited it keep theirs.
_AMBIENT: ContextVar[Mapping[str, Any]] = ContextVar("maestro_log_context", default=MappingProxyType({}))
current_fields = _AMBIENT.get


class log_context:  # noqa: N801 - called like a function, as the context managers of the standard library are
    """Add fields to every line that is logged inside: in this task and thread, and in the tasks started from it.

    `with log_context(request_id="r-17"): …`; contexts nest, and the inner one wins. It is a class and no generator, so that
    a context that was entered inside another `contextvars.Context` is not left when it is collected as garbage.

    Args:
        **fields: What to add, such as `request_id`.
    """

    __slots__ = ("_fields", "_tokens")

    def __init__(self, **fields: Any) -> None:
        self._fields = clean(fields)
        self._tokens: list[Token[Mapping[str, Any]]] = []

    def __enter__(self) -> None:
        self._tokens.append(_AMBIENT.set({**_AMBIENT.get(), **self._fields}))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        token = self._tokens.pop()
        try:
            _AMBIENT.reset(token)
        except ValueError:
            # Left in another context than entered, as async generators are that somebody else closes: there, the
            # fields were never set.
            return


def carry_context(function: Callable[_Parameters, _Result]) -> Callable[_Parameters, _Result]:
    """Let a function run in the context of now, wherever and whenever it runs: fields, trace and all.

    Tasks and `asyncio.to_thread` do so by themselves. `threading.Thread`, `Executor.submit` and `loop.run_in_executor` do not:
    `pool.submit(carry_context(work), order)`. Another process begins without: hand it the fields, and open a `log_context`.

    Args:
        function: Any function that is not async; an async one runs in the context of its task.

    Returns:
        A function that takes and returns the same, in this process; it may run in several threads at once.
    """
    context = copy_context()

    @wraps(function)
    def carried(*args: _Parameters.args, **kwargs: _Parameters.kwargs) -> _Result:
        return context.copy().run(function, *args, **kwargs)  # a copy each, because one context runs in one thread

    return carried
