"""`asyncio.as_completed` over bare coroutines: it starts them in the order of a set of coroutines."""

from __future__ import annotations

import ast

from maestro_workflow_engine.lint._scopes import Role, Scope, Value

_TASK_MAKERS = frozenset({"create_task", "ensure_future", "create_future", "shield", "gather"})


def passes_coroutines(call: ast.Call, scope: Scope) -> bool:
    """Tell whether what a call is given is visibly coroutines and not tasks.

    Args:
        call: The call of `asyncio.as_completed`.
        scope: Where it stands.

    Returns:
        False also where it cannot be seen what the elements are.
    """
    return bool(call.args) and _holds_coroutines(call.args[0], scope)


def _holds_coroutines(node: ast.expr, scope: Scope) -> bool:
    match node:
        case ast.List(elts=elements) | ast.Tuple(elts=elements) | ast.Set(elts=elements):
            return any(_is_coroutine(element) for element in elements)
        case ast.ListComp(elt=element) | ast.GeneratorExp(elt=element) | ast.SetComp(elt=element):
            return _is_coroutine(element)
        case ast.Call(func=ast.Name(id="map"), args=[first, *_]):
            return not (isinstance(first, ast.Name | ast.Attribute) and _last(first) in _TASK_MAKERS)
        case ast.Call(func=ast.Name(id="list" | "tuple" | "set" | "iter"), args=[inner]):
            return _holds_coroutines(inner, scope)
        case ast.Name(id=name):
            found = scope.lookup(name)
            values = [each for each in found[1] if isinstance(each, Value) and each.role is Role.VALUE] if found else []
            return any(
                not isinstance(each.node, ast.Name) and _holds_coroutines(each.node, each.scope) for each in values
            )
    return False


def _is_coroutine(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and _last(node.func) not in _TASK_MAKERS


def _last(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
