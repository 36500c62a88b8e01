"""From a syntax tree to scopes: every name that a module binds, and what it may stand for."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeAlias

from maestro_workflow_engine.lint._scopes import (
    Binding,
    Class,
    Function,
    FunctionNode,
    Imported,
    Opaque,
    Role,
    Scope,
    ScopeKind,
    Value,
)

Comprehension: TypeAlias = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


@dataclass(eq=False, slots=True)
class Bindings:
    """What one module binds."""

    root: Scope
    functions: dict[FunctionNode, Function] = field(default_factory=dict)
    scopes: dict[ast.Lambda | Comprehension, Scope] = field(default_factory=dict)
    """The scopes inside expressions."""


def bind(tree: ast.Module, module: str, *, is_package: bool) -> Bindings:
    """Find out what a module binds.

    Args:
        tree: The module's syntax.
        module: Its dotted name.
        is_package: Whether it is an `__init__`, for relative imports.

    Returns:
        Its scopes and functions.
    """
    bindings = Bindings(Scope(ScopeKind.MODULE, None, module))
    binder = _Binder(bindings, module if is_package else module.rpartition(".")[0])
    binder.block(tree.body)
    return bindings


class _Binder(ast.NodeVisitor):
    def __init__(self, bindings: Bindings, package: str) -> None:
        self._bindings = bindings
        self._package = package
        self._scope = bindings.root
        self._class: Class | None = None
        self._self: tuple[str, Class] | None = None

    def block(self, body: Iterable[ast.AST]) -> None:
        for node in body:
            self.visit(node)

    # Definitions

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self._function(node)

    def _function(self, node: FunctionNode) -> None:
        for outside in (*node.decorator_list, *node.args.defaults, *filter(None, node.args.kw_defaults)):
            self.visit(outside)
        scope = Scope(ScopeKind.FUNCTION, self._scope, self._scope.module)
        function = Function(node, scope, self._scope, self._class)
        self._bindings.functions[node] = function
        self._scope.bind(node.name, function)
        self._parameters(node.args, scope)
        saved = self._scope, self._class, self._self
        if self._class is not None:
            first = next(iter((*node.args.posonlyargs, *node.args.args)), None)
            if first is not None and not any(_last_name(each) == "staticmethod" for each in node.decorator_list):
                scope.names[first.arg] = [self._class]
                is_class = any(_last_name(each) == "classmethod" for each in node.decorator_list)
                if not is_class:
                    self._self = (first.arg, self._class)
                    scope.names[first.arg] = [
                        Value(ast.Name(self._class.node.name, ast.Load()), _named(self._class), Role.TYPE)
                    ]
        self._scope, self._class = scope, None
        self._declarations(node.body, scope)
        self.block(node.body)
        self._scope, self._class, self._self = saved

    def visit_Lambda(self, node: ast.Lambda) -> None:
        for outside in (*node.args.defaults, *filter(None, node.args.kw_defaults)):
            self.visit(outside)
        scope = self._bindings.scopes[node] = Scope(ScopeKind.FUNCTION, self._scope, self._scope.module)
        self._parameters(node.args, scope)
        self._inside(scope, [node.body])

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        for outside in (*node.decorator_list, *node.bases, *(keyword.value for keyword in node.keywords)):
            self.visit(outside)
        scope = Scope(ScopeKind.CLASS, self._scope, self._scope.module)
        found = Class(node, scope, self._scope)
        self._scope.bind(node.name, found)
        saved = self._scope, self._class
        self._scope, self._class = scope, found
        self.block(node.body)
        self._scope, self._class = saved

    @staticmethod
    def _parameters(arguments: ast.arguments, scope: Scope) -> None:
        for parameter in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
            known = parameter.annotation and scope.parent
            scope.bind(parameter.arg, Value(parameter.annotation, scope.parent, Role.TYPE) if known else Opaque())  # type: ignore[arg-type]  # known says that both are there
        for rest in (arguments.vararg, arguments.kwarg):
            if rest is not None:
                scope.bind(rest.arg, Opaque())

    @staticmethod
    def _declarations(body: list[ast.stmt], scope: Scope) -> None:
        """Read `global` and `nonlocal` first: they hold for the whole function."""
        left: list[ast.AST] = list(body)
        while left:
            node = left.pop()
            if isinstance(node, ast.Global):
                scope.globals.update(node.names)
            elif isinstance(node, ast.Nonlocal):
                scope.nonlocals.update(node.names)
            elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.expr):
                left.extend(ast.iter_child_nodes(node))

    # Imports

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            if alias.asname:
                self._scope.bind(alias.asname, Imported(alias.name))
            else:
                top = alias.name.partition(".")[0]
                self._scope.bind(top, Imported(top))

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        source = node.module or ""
        if node.level:
            parts = self._package.split(".") if self._package else []
            kept = parts[: len(parts) - (node.level - 1)]
            source = ".".join([*kept, *([source] if source else [])])
        for alias in node.names:
            if alias.name == "*":
                self._scope.stars.append(source)
            else:
                self._scope.bind(
                    alias.asname or alias.name, Imported(f"{source}.{alias.name}" if source else alias.name)
                )

    # Assignments

    def visit_Assign(self, node: ast.Assign) -> None:
        self.visit(node.value)
        for target in node.targets:
            self._target(target, Value(node.value, self._scope))

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self._target(node.target, Value(node.annotation, self._scope, Role.TYPE))
        if node.value is not None:
            self.visit(node.value)
            self._target(node.target, Value(node.value, self._scope))

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        self.visit(node.value)
        scope = self._scope
        while scope.kind is ScopeKind.COMPREHENSION and scope.parent is not None:
            scope = scope.parent
        scope.bind(node.target.id, Value(node.value, self._scope))

    def visit_For(self, node: ast.For) -> None:
        self._loop(node)

    def visit_AsyncFor(self, node: ast.AsyncFor) -> None:
        self._loop(node)

    def _loop(self, node: ast.For | ast.AsyncFor) -> None:
        self.visit(node.iter)
        self._target(node.target, Value(node.iter, self._scope, Role.ITERABLE))
        self.block([*node.body, *node.orelse])

    def visit_With(self, node: ast.With) -> None:
        self._with(node)

    def visit_AsyncWith(self, node: ast.AsyncWith) -> None:
        self._with(node)

    def _with(self, node: ast.With | ast.AsyncWith) -> None:
        for item in node.items:
            self.visit(item.context_expr)
            if item.optional_vars is not None:
                self._target(item.optional_vars, Value(item.context_expr, self._scope))
        self.block(node.body)

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        if node.name:
            self._scope.bind(node.name, Opaque())
        self.block(node.body)

    def visit_MatchAs(self, node: ast.MatchAs) -> None:
        if node.name:
            self._scope.bind(node.name, Opaque())
        self.generic_visit(node)

    def visit_MatchStar(self, node: ast.MatchStar) -> None:
        if node.name:
            self._scope.bind(node.name, Opaque())

    def _target(self, target: ast.expr, binding: Binding) -> None:
        if isinstance(target, ast.Name):
            self._scope.bind(target.id, binding)
        elif isinstance(target, ast.Tuple | ast.List):
            for element in target.elts:
                self._target(element, Opaque())
        elif isinstance(target, ast.Starred):
            self._target(target.value, Opaque())
        elif isinstance(target, ast.Attribute):
            owner = self._self
            if (
                owner
                and isinstance(target.value, ast.Name)
                and target.value.id == owner[0]
                and isinstance(binding, Value)
            ):
                owner[1].attributes.setdefault(target.attr, []).append(binding)
        elif isinstance(target, ast.Subscript):
            self.visit(target)

    # Expressions with a scope of their own

    def visit_ListComp(self, node: ast.ListComp) -> None:
        self._comprehension(node, [node.elt])

    def visit_SetComp(self, node: ast.SetComp) -> None:
        self._comprehension(node, [node.elt])

    def visit_GeneratorExp(self, node: ast.GeneratorExp) -> None:
        self._comprehension(node, [node.elt])

    def visit_DictComp(self, node: ast.DictComp) -> None:
        self._comprehension(node, [node.key, node.value])

    def _comprehension(self, node: Comprehension, results: list[ast.expr]) -> None:
        scope = self._bindings.scopes[node] = Scope(ScopeKind.COMPREHENSION, self._scope, self._scope.module)
        for number, generator in enumerate(node.generators):
            outer = scope if number else self._scope
            self._inside(outer, [generator.iter])
            target = Value(generator.iter, outer, Role.ITERABLE)
            saved, self._scope = self._scope, scope
            self._target(generator.target, target)
            self._scope = saved
            self._inside(scope, generator.ifs)
        self._inside(scope, results)

    def _inside(self, scope: Scope, body: list[ast.expr]) -> None:
        saved, self._scope = self._scope, scope
        self.block(body)
        self._scope = saved


def _named(owner: Class) -> Scope:
    """Return a scope in which the class's name means the class, whatever else has that name."""
    scope = Scope(ScopeKind.FUNCTION, owner.outer, owner.outer.module)
    scope.names[owner.node.name] = [owner]
    return scope


def _last_name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
