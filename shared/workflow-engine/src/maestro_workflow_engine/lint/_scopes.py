"""What a name may stand for, by Python's rules of scope."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeAlias

FunctionNode: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef


class ScopeKind(Enum):
    """Where a scope comes from."""

    MODULE = "module"
    CLASS = "class"
    FUNCTION = "function"
    COMPREHENSION = "comprehension"


@dataclass(eq=False, slots=True)
class Imported:
    """A name that an import binds."""

    dotted: str
    """The full path, absolute."""


class Role(Enum):
    """What an expression tells about the name that it is bound to."""

    VALUE = "value"
    TYPE = "type"
    ITERABLE = "iterable"
    """The name takes one of its elements after the other."""


@dataclass(eq=False, slots=True)
class Value:
    """A name that an assignment, a `with` item, a loop or an annotation gives a value."""

    node: ast.expr
    scope: Scope
    role: Role = Role.VALUE


@dataclass(eq=False, slots=True)
class Opaque:
    """A name of which only the scope is known: a loop variable, a parameter without a type."""


@dataclass(eq=False, slots=True)
class Function:
    """A function or method."""

    node: FunctionNode
    scope: Scope
    """The scope of its body."""
    outer: Scope
    """The scope it is defined in."""
    owner: Class | None

    @property
    def name(self) -> str:
        """Its name, with the class's before it."""
        return f"{self.owner.node.name}.{self.node.name}" if self.owner else self.node.name


@dataclass(eq=False, slots=True)
class Class:
    """A class."""

    node: ast.ClassDef
    scope: Scope
    """The scope of its body."""
    outer: Scope
    attributes: dict[str, list[Value]] = field(default_factory=dict)
    """What methods assign to `self.<name>`."""


Binding: TypeAlias = Imported | Value | Opaque | Function | Class


@dataclass(eq=False, slots=True)
class Scope:
    """Names and what they are bound to."""

    kind: ScopeKind
    parent: Scope | None
    module: str
    """The dotted name of the module."""
    names: dict[str, list[Binding]] = field(default_factory=dict)
    stars: list[str] = field(default_factory=list)
    """Modules whose names were imported with `*`."""
    globals: set[str] = field(default_factory=set)
    """Names declared `global` here."""
    nonlocals: set[str] = field(default_factory=set)

    def bind(self, name: str, binding: Binding) -> None:
        """Add what a name may stand for."""
        if name in self.globals:
            self.root().names.setdefault(name, []).append(binding)
        elif name not in self.nonlocals:
            self.names.setdefault(name, []).append(binding)

    def root(self) -> Scope:
        """Return the module's scope."""
        scope = self
        while scope.parent is not None:
            scope = scope.parent
        return scope

    def chain(self) -> Iterator[Scope]:
        """List the scopes in which a name is looked up: inner first, without the classes around."""
        scope: Scope | None = self
        while scope is not None:
            if scope is self or scope.kind is not ScopeKind.CLASS:
                yield scope
            scope = scope.parent

    def lookup(self, name: str) -> tuple[Scope, list[Binding]] | None:
        """Find a name.

        Args:
            name: The name.

        Returns:
            The scope that binds it and what it may stand for there; None for builtins and unknown names.
        """
        for scope in self.chain():
            if name in scope.globals:
                root = self.root()
                return (root, root.names[name]) if name in root.names else None
            if name in scope.names:
                return scope, scope.names[name]
        return None
