"""What functions assign to their names."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from maestro_core_logging.lint._events import Assigned

_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef, ast.Module)


def calls_by_scope(tree: ast.Module) -> Iterator[tuple[ast.Call, Assigned]]:
    """Yield the calls of a module, each with what the function around it assigns.

    Args:
        tree: The module.

    Yields:
        Calls, by scope.
    """
    scopes: list[ast.AST] = [tree]
    while scopes:
        scope = scopes.pop()
        nodes = list(_own_nodes(scope))
        assigned = _assigned(scope, nodes)
        for node in nodes:
            if isinstance(node, ast.Call):
                yield node, assigned
            if isinstance(node, _SCOPES):
                scopes.append(node)


def _own_nodes(scope: ast.AST) -> Iterator[ast.AST]:
    """Yield what stands in a scope and in no inner one; inner scopes themselves are among it."""
    left = list(ast.iter_child_nodes(scope))
    while left:
        node = left.pop()
        yield node
        if not isinstance(node, _SCOPES):
            left.extend(ast.iter_child_nodes(node))


def _assigned(scope: ast.AST, nodes: list[ast.AST]) -> Assigned:
    assigned: dict[str, list[ast.expr | None]] = {}
    known: set[int] = set()
    for node in nodes:
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            assigned.setdefault(node.targets[0].id, []).append(node.value)
            known.add(id(node.targets[0]))
    for node in nodes:  # loops, with, unpacking, +=: whatever else gives a name a value
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and id(node) not in known:
            assigned.setdefault(node.id, []).append(None)
    if isinstance(scope, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
        for argument in [*scope.args.posonlyargs, *scope.args.args, *scope.args.kwonlyargs]:
            assigned.setdefault(argument.arg, []).append(None)
    return assigned
