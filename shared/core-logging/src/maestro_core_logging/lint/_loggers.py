"""Which calls are a logger's."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from typing import Final

_METHODS: Final = frozenset(
    {"debug", "info", "warning", "warn", "error", "exception", "critical", "fatal", "log"}
    | {f"a{name}" for name in ("debug", "info", "warning", "error", "exception", "critical", "fatal")}  # structlog's
)
_MAKERS: Final = frozenset({"get_logger", "getLogger", "getChild"})
_COPIERS: Final = frozenset({"bind", "unbind", "try_unbind", "new"})
_NAMED_LIKE_ONE: Final = re.compile(r"_*(?:\w*_)?(?:log|logger|logging)", re.IGNORECASE)


class Loggers:
    """What a module calls its loggers: everything that is named like one, and what is assigned from `get_logger`.

    Args:
        tree: The module.
    """

    def __init__(self, tree: ast.AST) -> None:
        self._names = set(_assigned_from_makers(tree))

    def event_of(self, call: ast.Call) -> ast.expr | None:
        """Return what a call logs.

        Args:
            call: Any call.

        Returns:
            The event's expression; None when it is no call of a logger.
        """
        method = call.func
        if not (isinstance(method, ast.Attribute) and method.attr in _METHODS and self._is_logger(method.value)):
            return None
        place = 1 if method.attr == "log" else 0
        if len(call.args) > place:
            return call.args[place]
        return next((each.value for each in call.keywords if each.arg in ("event", "msg")), None)

    def _is_logger(self, node: ast.expr) -> bool:
        if isinstance(node, ast.Call):
            name = _last_name(node.func)
            if name in _COPIERS and isinstance(node.func, ast.Attribute):
                return self._is_logger(node.func.value)
            return name in _MAKERS
        name = _last_name(node)
        return name is not None and (name in self._names or _NAMED_LIKE_ONE.fullmatch(name) is not None)


def _assigned_from_makers(tree: ast.AST) -> Iterable[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            targets, value = node.targets, node.value
        elif isinstance(node, (ast.AnnAssign, ast.NamedExpr)) and node.value is not None:
            targets, value = [node.target], node.value
        else:
            continue
        while (
            isinstance(value, ast.Call) and _last_name(value.func) in _COPIERS and isinstance(value.func, ast.Attribute)
        ):
            value = value.func.value
        if isinstance(value, ast.Call) and _last_name(value.func) in _MAKERS:
            yield from (name for target in targets if (name := _last_name(target)) is not None)


def _last_name(node: ast.expr) -> str | None:
    if isinstance(node, ast.Name):
        return node.id
    return node.attr if isinstance(node, ast.Attribute) else None
