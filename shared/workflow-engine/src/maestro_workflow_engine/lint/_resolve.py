"""What an expression stands for: a name of another package, or a function, class or object of this one."""

from __future__ import annotations

import ast
import builtins
import re
from dataclasses import dataclass
from typing import Final, TypeAlias

from maestro_workflow_engine.lint._module import Module
from maestro_workflow_engine.lint._project import Project
from maestro_workflow_engine.lint._scopes import Binding, Class, Function, Imported, Opaque, Role, Scope, Value

_MAX_DEPTH = 60
_BUILTINS: Final = frozenset(dir(builtins))
_WRAPPERS: Final = frozenset({"typing.Optional", "typing.Annotated", "typing.Final", "typing.ClassVar", "typing.Awaitable",
                              "collections.abc.Awaitable", "dataclasses.InitVar"})  # fmt: skip
_LOOPS: Final = re.compile(
    r"^asyncio\.(get_event_loop\(\)|AbstractEventLoop\(\)|BaseEventLoop\(\)|events\.get_running_loop\(\))"
)
_PATHS: Final = re.compile(
    r"^(anyio\.Path|pathlib\.(PosixPath|WindowsPath|Path))\(\)"
    r"((\.parents\[\])|(\.(parent|absolute\(\)|expanduser\(\)|joinpath\(\)|relative_to\(\)|resolve\(\)|with_name\(\)"
    r"|with_stem\(\)|with_suffix\(\)|with_segments\(\))))*(?=\.|$)"
)


@dataclass(frozen=True, slots=True)
class External:
    """Something that is not first-party."""

    dotted: str
    """Its path; `()` after a call, `[]` after a subscript: "pathlib.Path().read_text"."""


@dataclass(frozen=True, slots=True)
class ModuleRef:
    """A first-party module."""

    module: Module


@dataclass(frozen=True, slots=True)
class Instance:
    """An object of a first-party class."""

    of: Class


Meaning: TypeAlias = External | ModuleRef | Instance | Function | Class


def external(dotted: str) -> External:
    """Name something that is not first-party; paths and event loops have one name each, however they came about."""
    return External(_LOOPS.sub("asyncio.get_running_loop()", _PATHS.sub("pathlib.Path()", dotted)))


class Resolver:
    """Answers what expressions stand for; every answer is a list, since a name may be bound in several places."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._values: dict[Value, list[Meaning]] = {}
        self._depth = 0

    def resolve(self, node: ast.expr, scope: Scope) -> list[Meaning]:
        """Find out what an expression stands for.

        Args:
            node: The expression.
            scope: Where it stands.

        Returns:
            Everything it may be; empty when nothing is known.
        """
        if self._depth >= _MAX_DEPTH:
            return []
        self._depth += 1
        try:
            return self._resolve(node, scope)
        finally:
            self._depth -= 1

    def _resolve(self, node: ast.expr, scope: Scope) -> list[Meaning]:  # noqa: PLR0911  one return per kind of expression
        match node:
            case ast.Name(id=name):
                return self.name(name, scope)
            case ast.Attribute(value=inner, attr=attr):
                return [found for base in self.resolve(inner, scope) for found in self.member(base, attr)]
            case ast.Call(func=func):
                return [found for base in self.resolve(func, scope) for found in self._called(base)]
            case ast.Subscript(value=inner):
                bases = self.resolve(inner, scope)
                parts = [external(f"{base.dotted}[]") for base in bases if isinstance(base, External)]
                return [*parts, *self._item(inner, scope)]
            case ast.Await(value=inner) | ast.NamedExpr(value=inner):
                return self.resolve(inner, scope)
            case ast.IfExp(body=left, orelse=right):
                return [*self.resolve(left, scope), *self.resolve(right, scope)]
            case ast.BoolOp(values=values):
                return [found for value in values for found in self.resolve(value, scope)]
            case ast.BinOp(op=ast.Div(), left=left):
                path = external("pathlib.Path()")
                return [path] if path in self.resolve(left, scope) else []
        return []

    def name(self, name: str, scope: Scope) -> list[Meaning]:
        """Find out what a name stands for in a scope."""
        found = scope.lookup(name)
        if found is not None:
            return [meaning for binding in found[1] for meaning in self._bound(binding)]
        stars = [meaning for source in self._stars(scope) for meaning in self.dotted(f"{source}.{name}")]
        return [*stars, External(f"builtins.{name}")] if name in _BUILTINS else stars

    @staticmethod
    def _stars(scope: Scope) -> list[str]:
        return [source for each in scope.chain() for source in each.stars]

    def _bound(self, binding: Binding) -> list[Meaning]:
        match binding:
            case Imported(dotted=dotted):
                return self.dotted(dotted)
            case Value():
                if binding not in self._values:
                    self._values[binding] = []  # what refers to itself adds nothing
                    self._values[binding] = self._read(binding)
                return self._values[binding]
            case Function() | Class():
                return [binding]
            case Opaque():
                return []

    def _read(self, value: Value) -> list[Meaning]:
        match value.role:
            case Role.VALUE:
                return self.resolve(value.node, value.scope)
            case Role.TYPE:
                return self.instance(value.node, value.scope)
            case Role.ITERABLE:
                return self._element(value.node, value.scope)

    def _element(self, node: ast.expr, scope: Scope) -> list[Meaning]:
        """Find out what the elements of an iterable are."""
        if isinstance(node, ast.List | ast.Tuple | ast.Set):
            return [found for element in node.elts for found in self.resolve(element, scope)]
        return self._contents(node, scope, 0)

    def _item(self, node: ast.expr, scope: Scope) -> list[Meaning]:
        """Find out what a subscript takes from a container: the values of a dict, the elements of others."""
        return self._contents(node, scope, -1)

    def _contents(self, node: ast.expr, scope: Scope, position: int) -> list[Meaning]:
        return [
            found
            for each in self.types(node, scope)
            for arguments in _type_arguments(each.node)
            for found in self.instance(arguments[position], each.scope)
        ]

    def types(self, node: ast.expr, scope: Scope) -> list[Value]:
        """List the annotations that tell the type of an expression.

        Args:
            node: The expression.
            scope: Where it stands.

        Returns:
            The annotations of a name, of an object's attribute, of a function's result.
        """
        match node:
            case ast.Name(id=name):
                found = self.values(name, scope)
            case ast.Attribute(value=inner, attr=attr):
                owners = [each.of for each in self.resolve(inner, scope) if isinstance(each, Instance)]
                found = [
                    each
                    for owner in owners
                    for each in [*owner.scope.names.get(attr, ()), *owner.attributes.get(attr, ())]
                    if isinstance(each, Value)
                ]
            case ast.Call(func=func):
                found = [
                    Value(each.node.returns, each.outer, Role.TYPE)
                    for each in self.resolve(func, scope)
                    if isinstance(each, Function) and each.node.returns is not None
                ]
            case ast.Await(value=inner) | ast.NamedExpr(value=inner):
                return self.types(inner, scope)
            case _:
                return []
        return [each for each in found if each.role is Role.TYPE]

    def dotted(self, path: str) -> list[Meaning]:
        """Find out what an absolute dotted path stands for."""
        parts = path.split(".")
        for length in range(len(parts), 0, -1):
            module = self._project.module(".".join(parts[:length]))
            if module is not None:
                meanings: list[Meaning] = [ModuleRef(module)]
                for attr in parts[length:]:
                    meanings = [found for base in meanings for found in self.member(base, attr)]
                return meanings
        return [external(path)]

    def values(self, name: str, scope: Scope) -> list[Value]:
        """List what a name is assigned in the place that binds it, be it another first-party module."""
        found = scope.lookup(name)
        if found is None:
            return []
        values = [each for each in found[1] if isinstance(each, Value)]
        for each in found[1]:
            if isinstance(each, Imported):
                values.extend(self._imported_values(each.dotted))
        return values

    def is_value(self, path: str) -> bool:
        """Tell whether a dotted path names a value (not a function, class or module) of a first-party module."""
        return bool(self._imported_values(path))

    def _imported_values(self, path: str) -> list[Value]:
        module = self._project.module(path.rpartition(".")[0])
        bindings = module.bindings.root.names.get(path.rpartition(".")[2], []) if module else []
        return [each for each in bindings if isinstance(each, Value)]

    def member(self, base: Meaning, attr: str) -> list[Meaning]:
        """Find out what an attribute of something stands for."""
        match base:
            case External(dotted=dotted):
                return [external(f"{dotted}.{attr}")]
            case ModuleRef(module=module):
                return self._of_module(module, attr)
            case Class():
                return self._of_class(base, attr, frozenset()) or []
            case Instance(of=owner):
                return self._of_class(owner, attr, frozenset(), of_instance=True) or []
        return []

    def _of_module(self, module: Module, attr: str) -> list[Meaning]:
        if self._depth >= _MAX_DEPTH:
            return []
        self._depth += 1
        try:
            root = module.bindings.root
            if attr in root.names:
                return [meaning for binding in root.names[attr] for meaning in self._bound(binding)]
            inner = self._project.module(f"{module.name}.{attr}")
            if inner is not None:
                return [ModuleRef(inner)]
            return [meaning for source in root.stars for meaning in self.dotted(f"{source}.{attr}")]
        finally:
            self._depth -= 1

    def _of_class(
        self, owner: Class, attr: str, seen: frozenset[Class], *, of_instance: bool = False
    ) -> list[Meaning] | None:
        """Return None where neither the class nor a base has the attribute."""
        if owner in seen:
            return None
        bindings: list[Binding] = list(owner.scope.names.get(attr, ()))
        if of_instance:
            bindings.extend(owner.attributes.get(attr, ()))
        if bindings:
            return [meaning for binding in bindings for meaning in self._bound(binding)]
        for node in owner.node.bases:
            for base in self.resolve(node, owner.outer):
                if isinstance(base, Class):
                    inherited = self._of_class(base, attr, seen | {owner}, of_instance=of_instance)
                    if inherited is not None:
                        return inherited
                elif isinstance(base, External) and base.dotted != "builtins.object":
                    call = "()" if of_instance else ""
                    return [external(f"{base.dotted}{call}.{attr}")]
        return None

    def _called(self, base: Meaning) -> list[Meaning]:
        match base:
            case External(dotted=dotted):
                return [external(f"{dotted}()")]
            case Class():
                return [Instance(base)]
            case Function(node=node, outer=outer) if node.returns is not None:
                return self.instance(node.returns, outer)
        return []

    def instance(self, annotation: ast.expr, scope: Scope) -> list[Meaning]:
        """Find out what an object with a type annotation is.

        Args:
            annotation: The type.
            scope: Where it stands.

        Returns:
            The objects it may be.
        """
        match annotation:
            case ast.Constant(value=str(text)):
                try:
                    return self.instance(ast.parse(text, mode="eval").body, scope)
                except (SyntaxError, ValueError):
                    return []
            case ast.BinOp(op=ast.BitOr(), left=left, right=right):
                return [*self.instance(left, scope), *self.instance(right, scope)]
            case ast.Subscript(value=outer, slice=inner):
                names = {each.dotted for each in self.resolve(outer, scope) if isinstance(each, External)}
                if names & _WRAPPERS:
                    first = inner.elts[0] if isinstance(inner, ast.Tuple) and inner.elts else inner
                    return self.instance(first, scope)
                annotation = outer
        return [
            Instance(each) if isinstance(each, Class) else external(f"{each.dotted}()")
            for each in self.resolve(annotation, scope)
            if isinstance(each, Class | External)
        ]


def _type_arguments(annotation: ast.expr) -> list[list[ast.expr]]:
    """List what the annotation of a container says about its contents: `Path` for `list[Path] | None`."""
    match annotation:
        case ast.Constant(value=str(text)):
            try:
                return _type_arguments(ast.parse(text, mode="eval").body)
            except (SyntaxError, ValueError):
                return []
        case ast.BinOp(left=left, right=right):
            return [*_type_arguments(left), *_type_arguments(right)]
        case ast.Subscript(slice=ast.Tuple(elts=[first, ast.Constant(value=builtins.Ellipsis)])):
            return [[first]]
        case ast.Subscript(slice=ast.Tuple(elts=[_, *_] as arguments)):
            return [arguments]
        case ast.Subscript(slice=only):
            return [[only]]
    return []
