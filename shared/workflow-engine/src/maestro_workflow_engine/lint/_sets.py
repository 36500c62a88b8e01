"""Sets whose order differs from process to process, and places where that order shows."""

from __future__ import annotations

import ast
from typing import Final

from maestro_workflow_engine.lint._resolve import External, Resolver
from maestro_workflow_engine.lint._scopes import FunctionNode, Role, Scope, Value

_SET_TYPES: Final = frozenset({
    "builtins.set", "builtins.frozenset", "typing.Set", "typing.FrozenSet", "typing.AbstractSet", "typing.MutableSet",
    "collections.abc.Set", "collections.abc.MutableSet",
})  # fmt: skip
_SET_METHODS: Final = frozenset({"union", "intersection", "difference", "symmetric_difference", "copy"})
_STABLE_TYPES: Final = frozenset({
    "builtins.int", "builtins.bool", "asyncio.Task", "asyncio.Future", "asyncio.tasks.Task", "asyncio.futures.Future",
})  # fmt: skip
_TASK_MAKERS: Final = frozenset({"create_task", "ensure_future", "create_future", "gather", "shield"})
_SHOWING: Final = frozenset({
    "builtins.list", "builtins.tuple", "builtins.iter", "builtins.enumerate", "builtins.map", "builtins.filter",
    "builtins.zip", "builtins.next", "builtins.dict", "asyncio.wait", "asyncio.as_completed", "builtins.dict.fromkeys",
    "itertools.accumulate", "itertools.batched", "itertools.chain", "itertools.chain.from_iterable", "itertools.combinations",
    "itertools.cycle", "itertools.groupby", "itertools.islice", "itertools.pairwise", "itertools.permutations",
    "itertools.product", "itertools.starmap", "itertools.zip_longest", "collections.deque", "collections.OrderedDict",
    "functools.reduce",
})  # fmt: skip
_HIDING: Final = frozenset({
    "builtins.sorted", "builtins.min", "builtins.max", "builtins.sum", "builtins.any", "builtins.all", "builtins.len",
    "builtins.set", "builtins.frozenset", "math.fsum", "collections.Counter",
})  # fmt: skip


class Sets:
    """Recognises sets in one function."""

    def __init__(self, resolver: Resolver, function: FunctionNode) -> None:
        self._resolver = resolver
        self._function = function
        self._depth = 0

    def unordered(self, node: ast.expr, scope: Scope) -> bool:
        """Tell whether an expression is a set whose order cannot be relied on.

        Sets of numbers and of tasks keep their order: their hashes are the same in every process and replay.
        """
        if self._depth > 20:
            return False
        self._depth += 1
        try:
            return self._unordered(node, scope)
        finally:
            self._depth -= 1

    def _unordered(self, node: ast.expr, scope: Scope) -> bool:  # noqa: PLR0911  one return per kind of expression
        types = self._resolver.types(node, scope)
        if types:
            return any(self._is_set_type(each.node, each.scope) for each in types)
        match node:
            case ast.Set(elts=elements):
                return not all(self._stable(element, scope) for element in elements)
            case ast.SetComp(elt=element):
                return not self._stable(element, scope)
            case ast.BinOp(op=ast.BitOr() | ast.BitAnd() | ast.Sub() | ast.BitXor(), left=left, right=right):
                return self.unordered(left, scope) or self.unordered(right, scope)
            case ast.Call(func=ast.Attribute(value=inner, attr=attr)) if attr in _SET_METHODS:
                return self.unordered(inner, scope)
            case ast.Call(func=func, args=args):
                return self._made(func, args, scope)
            case ast.Name(id=name):
                return self._bound(name, scope)
            case ast.Await(value=inner) | ast.NamedExpr(value=inner):
                return self.unordered(inner, scope)
            case ast.IfExp(body=left, orelse=right):
                return self.unordered(left, scope) or self.unordered(right, scope)
        return False

    def shows_order(self, call: ast.Call, scope: Scope) -> bool:
        """Tell whether a call hands on the order of what it is given."""
        if isinstance(call.func, ast.Attribute) and call.func.attr in {"join", "extend"}:
            return True
        return self._is_one_of(call.func, scope, _SHOWING)

    def hides_order(self, call: ast.Call, scope: Scope) -> bool:
        """Tell whether a call gives the same for every order of what it is given."""
        return self._is_one_of(call.func, scope, _HIDING)

    def _made(self, func: ast.expr, args: list[ast.expr], scope: Scope) -> bool:
        if self._is_one_of(func, scope, frozenset({"builtins.set", "builtins.frozenset"})):
            return not (args and self._stable_elements(args[0], scope))
        return False

    def _bound(self, name: str, scope: Scope) -> bool:
        values = [each for each in self._resolver.values(name, scope) if each.role is Role.VALUE]
        return any(self.unordered(each.node, each.scope) for each in values) and not self._filled_stably(name, scope)

    def _filled_stably(self, name: str, scope: Scope) -> bool:
        """Tell whether all that the function adds to an empty set is numbers or tasks."""
        added = [
            node.args[0]
            for node in ast.walk(self._function)
            if isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "add"
            and isinstance(node.func.value, ast.Name)
            and node.func.value.id == name
            and node.args
        ]
        return bool(added) and all(self._stable(each, scope) for each in added)

    def _is_set_type(self, annotation: ast.expr, scope: Scope) -> bool:
        if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
            try:
                return self._is_set_type(ast.parse(annotation.value, mode="eval").body, scope)
            except (SyntaxError, ValueError):
                return False
        if isinstance(annotation, ast.BinOp):
            return self._is_set_type(annotation.left, scope) or self._is_set_type(annotation.right, scope)
        if isinstance(annotation, ast.Subscript):
            element = annotation.slice.value if isinstance(annotation.slice, ast.Subscript) else annotation.slice
            return self._is_one_of(annotation.value, scope, _SET_TYPES) and not self._is_one_of(
                element, scope, _STABLE_TYPES
            )
        return self._is_one_of(annotation, scope, _SET_TYPES)

    def _stable_elements(self, node: ast.expr, scope: Scope) -> bool:
        match node:
            case ast.List(elts=elements) | ast.Tuple(elts=elements) | ast.Set(elts=elements):
                return all(self._stable(element, scope) for element in elements)
            case ast.ListComp(elt=element) | ast.GeneratorExp(elt=element) | ast.SetComp(elt=element):
                return self._stable(element, scope)
            case ast.Call(func=func):
                return self._is_one_of(func, scope, frozenset({"builtins.range"}))
        return False

    def _stable(self, node: ast.expr, scope: Scope) -> bool:
        match node:
            case ast.Constant(value=value):
                return isinstance(value, int)
            case ast.UnaryOp(operand=inner) | ast.NamedExpr(value=inner):
                return self._stable(inner, scope)
            case ast.Call(func=ast.Attribute(attr=attr) | ast.Name(id=attr)) if attr in _TASK_MAKERS:
                return True
            case ast.Call(func=func):
                return self._is_one_of(func, scope, frozenset({"builtins.int", "builtins.len", "builtins.bool"}))
            case ast.Name(id=name):
                found = scope.lookup(name)
                values = [each for each in found[1] if isinstance(each, Value)] if found else []
                return bool(values) and all(map(self._is_stable_value, values))
        return False

    def _is_stable_value(self, value: Value) -> bool:
        match value.role:
            case Role.TYPE:
                return self._is_one_of(value.node, value.scope, _STABLE_TYPES)
            case Role.ITERABLE:
                return self._stable_elements(value.node, value.scope)
            case Role.VALUE:
                return not isinstance(value.node, ast.Name) and self._stable(value.node, value.scope)

    def _is_one_of(self, node: ast.expr, scope: Scope, names: frozenset[str]) -> bool:
        return any(isinstance(each, External) and each.dotted in names for each in self._resolver.resolve(node, scope))
