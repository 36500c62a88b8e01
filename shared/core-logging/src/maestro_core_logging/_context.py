"""Fields that belong to whatever is going on: a request, a run, a step."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar, Token
from types import MappingProxyType, TracebackType
from typing import Any

from maestro_core_logging._fields import clean, is_plain

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
        self._fields = fields if is_plain(fields) else clean(fields)
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
