"""What is a workflow and what is a step, however it was declared."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from maestro_workflow_engine.lint._module import Module
from maestro_workflow_engine.lint._resolve import External, Resolver
from maestro_workflow_engine.lint._scopes import Function, Scope

_ENGINE = "maestro_workflow_engine"
_WORKFLOW = frozenset({"workflow", "WorkflowDefinition"})
_STEP = frozenset({"step", "StepDefinition"})


def workflows(module: Module, resolver: Resolver) -> list[Function]:
    """List a module's workflows, in the order of the file.

    Args:
        module: The module.
        resolver: Knows what names stand for.

    Returns:
        The functions under `@workflow`, with options or without, and those given to `workflow(...)`.
    """
    found = {
        function: None
        for function in module.bindings.functions.values()
        if _is_declared(function, resolver, _WORKFLOW) and not _is_declared(function, resolver, _STEP)
    }
    for call, scope in _calls(module):
        if call.args and _declares(call.func, scope, resolver, _WORKFLOW):
            found.update({each: None for each in resolver.resolve(call.args[0], scope) if isinstance(each, Function)})
    return sorted(found, key=lambda function: function.node.lineno)


def is_free(function: Function, resolver: Resolver) -> bool:
    """Tell whether a function is a step, or a workflow that is judged as one: calling it does not run it in place."""
    return _is_declared(function, resolver, _STEP | _WORKFLOW)


def wraps_step(call: ast.Call, scope: Scope, resolver: Resolver) -> bool:
    """Tell whether a call makes a step or workflow of the function that it is given."""
    return _declares(call.func, scope, resolver, _STEP | _WORKFLOW)


def _is_declared(function: Function, resolver: Resolver, names: frozenset[str]) -> bool:
    return any(_declares(each, function.outer, resolver, names) for each in function.node.decorator_list)


def _declares(node: ast.expr, scope: Scope, resolver: Resolver, names: frozenset[str]) -> bool:
    for meaning in resolver.resolve(node, scope):
        if isinstance(meaning, External):
            parts = meaning.dotted.removesuffix("()").split(".")
            if parts[0] == _ENGINE and parts[-1] in names:
                return True
    return False


def _calls(module: Module) -> Iterator[tuple[ast.Call, Scope]]:
    """List the calls at the module's own level; a workflow declared by a call inside a function is rare."""
    left: list[ast.AST] = list(module.tree.body)
    while left:
        node = left.pop()
        if isinstance(node, ast.Call):
            yield node, module.bindings.root
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            left.extend(ast.iter_child_nodes(node))
