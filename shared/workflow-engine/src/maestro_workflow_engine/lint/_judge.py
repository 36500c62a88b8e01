"""Walks one function: what in it breaks a rule, and which functions it reaches."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass, field

from maestro_workflow_engine.lint import _rules as rules
from maestro_workflow_engine.lint._binding import Bindings, Comprehension
from maestro_workflow_engine.lint._declared import wraps_step
from maestro_workflow_engine.lint._denied import METHODS, denied
from maestro_workflow_engine.lint._resolve import External, Instance, Meaning, Resolver
from maestro_workflow_engine.lint._rules import Rule
from maestro_workflow_engine.lint._scopes import Class, Function, Scope, ScopeKind, Value
from maestro_workflow_engine.lint._sets import Sets
from maestro_workflow_engine.lint._state import MUTATORS, is_container, is_shared

_CONSTRUCTION = ("__new__", "__init__", "__post_init__")
_AT_IMPORT = frozenset({rules.CLOCK, rules.RANDOM, rules.SECRET, rules.UUID, rules.ENVIRONMENT})


@dataclass(frozen=True, slots=True)
class Offence:
    """A place that breaks a rule."""

    node: ast.expr
    statement: ast.stmt
    rule: Rule
    found: str
    """What is there, as in the code."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A place that calls a function or passes it on."""

    node: ast.expr
    statement: ast.stmt
    function: Function


@dataclass(slots=True)
class Judgement:
    """What is known about one function."""

    offences: list[Offence] = field(default_factory=list)
    references: list[Reference] = field(default_factory=list)


def judge(function: Function, bindings: Bindings, resolver: Resolver) -> Judgement:
    """Judge the body of one function, with its lambdas, and without the functions and classes defined in it.

    Args:
        function: The function.
        bindings: What its module binds.
        resolver: Knows what names stand for.

    Returns:
        What breaks a rule, and which functions are reached from it.
    """
    walker = _Walker(function, bindings, resolver)
    for statement in function.node.body:
        walker.visit(statement)
    return walker.judgement


class _Walker(ast.NodeVisitor):
    def __init__(self, function: Function, bindings: Bindings, resolver: Resolver) -> None:
        self.judgement = Judgement()
        self._function = function
        self._bindings = bindings
        self._resolver = resolver
        self._scope = function.scope
        self._sets = Sets(resolver, function.node)
        self._statement: ast.stmt = function.node
        self._orderless = 0

    def visit(self, node: ast.AST) -> None:
        if not isinstance(node, ast.stmt):
            super().visit(node)
            return
        outer, self._statement = self._statement, node
        super().visit(node)
        self._statement = outer

    # Definitions inside the function: their bodies are judged when something reaches them.

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._outside(node.args)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self._outside(node.args)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        pass

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self._outside(node.args)
        self._within(self._bindings.scopes[node], [node.body])

    def _outside(self, arguments: ast.arguments) -> None:
        for default in (*arguments.defaults, *filter(None, arguments.kw_defaults)):
            self.visit(default)

    def _within(self, scope: Scope, nodes: Iterable[ast.AST]) -> None:
        outer, self._scope = self._scope, scope
        for node in nodes:
            self.visit(node)
        self._scope = outer

    # Names and calls

    def visit_Call(self, node: ast.Call) -> None:
        meanings = self._resolver.resolve(node.func, self._scope)
        self._judge_call(node, meanings)
        for meaning in meanings:
            if isinstance(meaning, Class):
                self._reach_methods(node, Instance(meaning), _CONSTRUCTION)
            elif isinstance(meaning, Instance):
                self._reach_methods(node, meaning, ("__call__",))
        if not (isinstance(node.func, ast.Name) and any(isinstance(each, External) for each in meanings)):
            self._visit_called(node.func)
        hides = self._sets.hides_order(node, self._scope)
        shows = self._sets.shows_order(node, self._scope)
        free = wraps_step(node, self._scope, self._resolver)
        for argument in (*node.args, *(keyword.value for keyword in node.keywords)):
            if shows:
                self._judge_order(argument)
            if not (free and argument in node.args):
                self._visit_argument(argument, hides=hides)

    def _visit_called(self, func: ast.expr) -> None:
        if isinstance(func, ast.Attribute):
            self._reach(func, self._resolver.resolve(func, self._scope))
            self.visit(func.value)
        else:
            self.visit(func)

    def _visit_argument(self, argument: ast.expr, *, hides: bool) -> None:
        outer, self._orderless = self._orderless, int(hides)
        self.visit(argument)
        self._orderless = outer

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load):
            self._judge_read(node)
        elif self._scope.kind is ScopeKind.FUNCTION and node.id in self._function.scope.globals:
            self._offend(node, rules.GLOBAL_STATE, f"writing the global {node.id}")

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if isinstance(node.ctx, ast.Load):
            if self._judge_read(node):
                return
        elif is_shared(node.value, self._scope, self._resolver):
            self._offend(node, rules.GLOBAL_STATE, f"writing {ast.unparse(node)}")
        self.visit(node.value)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        if not isinstance(node.ctx, ast.Load) and is_shared(node.value, self._scope, self._resolver):
            self._offend(node, rules.GLOBAL_STATE, f"writing into {ast.unparse(node.value)}")
        self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self.visit(node.target)
        if node.value is not None:
            self.visit(node.value)

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        for statement in node.body:
            self.visit(statement)

    def _judge_call(self, node: ast.Call, meanings: list[Meaning]) -> None:
        func = node.func
        names = list(dict.fromkeys(each.dotted for each in meanings if isinstance(each, External)))
        for name in names:
            rule = denied(name, called=True) or self._special(node, name)
            if rule is not None:
                self._offend(node, rule, f"{_text(func)}()")
                return
        if isinstance(func, ast.Attribute) and not any(isinstance(each, Function | Instance) for each in meanings):
            rule = METHODS.get(func.attr)
            if rule is None and func.attr == "astimezone" and not node.args and not node.keywords:
                rule = rules.LOCAL_ZONE
            if rule is not None:
                self._offend(node, rule, f"{_text(func)}()")
            elif func.attr in MUTATORS and is_container(func.value, self._scope, self._resolver):
                self._offend(node, rules.GLOBAL_STATE, f"{_text(func)}()")
            elif func.attr == "pop" and not node.args and self._sets.unordered(func.value, self._scope):
                self._offend(node, rules.SET_ORDER, f"{_text(func)}()")

    def _special(self, node: ast.Call, name: str) -> Rule | None:
        """Judge what depends on the arguments."""
        unseeded = not node.args or (isinstance(node.args[0], ast.Constant) and node.args[0].value is None)
        match name:
            case "random.Random" if unseeded and not node.keywords:
                return rules.RANDOM
            case "builtins.hash" if self._function.node.name not in {"__hash__", "__eq__"} and not _is_number(node):
                return rules.HASH
            case "builtins.id":
                return rules.HASH
            case "asyncio.Future" | "asyncio.Task" | "asyncio.futures.Future" | "asyncio.tasks.Task":
                return rules.MADE_BY_HAND
            case "datetime.datetime.fromtimestamp" if len(node.args) < 2 and not node.keywords:
                return rules.LOCAL_ZONE
        shared = name.startswith("random.Random().") and isinstance(node.func, ast.Attribute)
        if shared and is_shared(node.func.value, self._scope, self._resolver):  # type: ignore[attr-defined]  # shared says so
            return rules.RANDOM
        return None

    def _judge_read(self, node: ast.Name | ast.Attribute) -> bool:
        """Judge a name that is read or passed on; tell whether it broke a rule."""
        meanings = self._resolver.resolve(node, self._scope)
        self._reach(node, meanings)
        for meaning in meanings:
            if not isinstance(meaning, External):
                continue
            rule = denied(meaning.dotted, called=False)
            if rule is None and meaning.dotted in {"builtins.id", "builtins.hash"}:
                rule = rules.HASH
            if rule is not None:
                self._offend(node, rule, _text(node))
                return True
            taken = self._taken_at_import(node, meaning.dotted)
            if taken is not None:
                self._offend(node, taken, f"{_text(node)}, which its module sets at import,")
                return True
        return False

    def _taken_at_import(self, node: ast.Name | ast.Attribute, dotted: str) -> Rule | None:
        if not (isinstance(node, ast.Name) and dotted.endswith((")", "]"))):
            return None
        found = self._scope.lookup(node.id)
        if found is None or found[0].kind is not ScopeKind.MODULE or not any(isinstance(e, Value) for e in found[1]):
            return None
        name = dotted
        while name:  # os.environ.get() is os.environ, asked
            rule = denied(name, called=False)
            if rule is not None:
                return rule if rule in _AT_IMPORT else None
            name = name.removesuffix("()").removesuffix("[]") if name.endswith((")", "]")) else name.rpartition(".")[0]
        return None

    # Order

    def visit_For(self, node: ast.For) -> None:
        self._judge_order(node.iter)
        self._reach_iteration(node.iter)
        self.generic_visit(node)

    def visit_AsyncFor(self, node: ast.AsyncFor) -> None:
        self._reach_iteration(node.iter)
        self.generic_visit(node)

    def visit_Starred(self, node: ast.Starred) -> None:
        if isinstance(node.ctx, ast.Load):
            self._judge_order(node.value)
        self.generic_visit(node)

    def visit_YieldFrom(self, node: ast.YieldFrom) -> None:
        self._judge_order(node.value)
        self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> None:
        if any(isinstance(target, ast.Tuple | ast.List) for target in node.targets):
            self._judge_order(node.value)
        self.generic_visit(node)

    def visit_ListComp(self, node: ast.ListComp) -> None:
        self._comprehension(node, [node.elt])

    def visit_SetComp(self, node: ast.SetComp) -> None:
        self._comprehension(node, [node.elt])

    def visit_GeneratorExp(self, node: ast.GeneratorExp) -> None:
        self._comprehension(node, [node.elt])

    def visit_DictComp(self, node: ast.DictComp) -> None:
        self._comprehension(node, [node.key, node.value])

    def _comprehension(self, node: Comprehension, results: list[ast.expr]) -> None:
        orderless = (self._orderless or isinstance(node, ast.SetComp)) and not _awaits(node)
        scope = self._bindings.scopes[node]
        outer, self._orderless = self._orderless, 0
        for number, generator in enumerate(node.generators):
            inner = scope if number else self._scope
            if not orderless:
                self._judge_order(generator.iter, inner)
            self._within(inner, [generator.iter])
            self._within(scope, generator.ifs)
        self._within(scope, results)
        self._orderless = outer

    def _judge_order(self, node: ast.expr, scope: Scope | None = None) -> None:
        if self._sets.unordered(node, scope or self._scope):
            self._offend(node, rules.SET_ORDER, f"the set {_text(node)}")

    # What runs without being named

    def visit_With(self, node: ast.With) -> None:
        self._enter(node, ("__enter__", "__exit__"))

    def visit_AsyncWith(self, node: ast.AsyncWith) -> None:
        self._enter(node, ("__aenter__", "__aexit__"))

    def _enter(self, node: ast.With | ast.AsyncWith, methods: tuple[str, ...]) -> None:
        for item in node.items:
            self._reach_dunder(item.context_expr, methods)
        self.generic_visit(node)

    def _reach_iteration(self, node: ast.expr) -> None:
        self._reach_dunder(node, ("__iter__", "__next__", "__aiter__", "__anext__"))

    def _reach_dunder(self, node: ast.expr, methods: tuple[str, ...]) -> None:
        for meaning in self._resolver.resolve(node, self._scope):
            if isinstance(meaning, Instance):
                self._reach_methods(node, meaning, methods)

    def _reach_methods(self, node: ast.expr, owner: Instance, methods: tuple[str, ...]) -> None:
        for method in methods:
            self._reach(node, self._resolver.member(owner, method))

    def _reach(self, node: ast.expr, meanings: list[Meaning]) -> None:
        self.judgement.references.extend(
            Reference(node, self._statement, each) for each in meanings if isinstance(each, Function)
        )

    def _offend(self, node: ast.expr, rule: Rule, found: str) -> None:
        self.judgement.offences.append(Offence(node, self._statement, rule, found))


def _text(node: ast.expr) -> str:
    text = ast.unparse(node)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _is_number(call: ast.Call) -> bool:
    return bool(call.args) and isinstance(call.args[0], ast.Constant) and isinstance(call.args[0].value, int | float)


def _awaits(node: ast.AST) -> bool:
    return any(isinstance(each, ast.Await) or getattr(each, "is_async", 0) for each in ast.walk(node))
