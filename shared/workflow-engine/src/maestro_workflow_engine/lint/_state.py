"""Module-level values that outlive a run."""

from __future__ import annotations

import ast
from typing import Final

from maestro_workflow_engine.lint._resolve import Resolver
from maestro_workflow_engine.lint._scopes import Class, Imported, Role, Scope, ScopeKind, Value

MUTATORS: Final = frozenset({
    "add", "append", "appendleft", "clear", "discard", "extend", "extendleft", "insert", "move_to_end", "pop", "popitem",
    "popleft", "remove", "reverse", "rotate", "setdefault", "sort", "subtract", "update",
})  # fmt: skip
_CONTAINERS: Final = frozenset({
    "builtins.dict", "builtins.list", "builtins.set", "builtins.bytearray", "collections.defaultdict", "collections.deque",
    "collections.Counter", "collections.OrderedDict",
})  # fmt: skip


def is_shared(node: ast.expr, scope: Scope, resolver: Resolver) -> bool:
    """Tell whether an expression is a value or class of a module, which all runs share.

    Args:
        node: The expression.
        scope: Where it stands.
        resolver: Knows what names stand for.

    Returns:
        Whether what is written into it stays when the run is gone.
    """
    while isinstance(node, ast.Subscript):
        node = node.value
    if not isinstance(node, ast.Name):
        return False
    found = scope.lookup(node.id)
    if found is None:
        return False
    home, bindings = found
    return any(
        (isinstance(each, Class) and each.outer.kind is ScopeKind.MODULE)
        or (home.kind is ScopeKind.MODULE and isinstance(each, Value))
        or (isinstance(each, Imported) and resolver.is_value(each.dotted))
        for each in bindings
    )


def is_container(node: ast.expr, scope: Scope, resolver: Resolver) -> bool:
    """Tell whether an expression is a list, dict, set or the like that a module holds."""
    if not isinstance(node, ast.Name) or not is_shared(node, scope, resolver):
        return False
    return any(_makes_container(value, resolver) for value in resolver.values(node.id, scope))


def _makes_container(value: Value, resolver: Resolver) -> bool:
    if value.role is not Role.VALUE:
        return False
    match value.node:
        case ast.Dict() | ast.List() | ast.Set() | ast.DictComp() | ast.ListComp() | ast.SetComp():
            return True
        case ast.Call(func=func):
            return any(getattr(each, "dotted", None) in _CONTAINERS for each in resolver.resolve(func, value.scope))
    return False
