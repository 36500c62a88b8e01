"""Values with expressions in them: any JSON, where a string that is `${ … }` as a whole is evaluated.

That is strict mode. In loose mode every string is tried as an expression, and is itself where that fails.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from maestro_workflow_engine.dsl._expressions import (
    Expression,
    compile_expression,
    enclosed,
    lenient_expression,
    parse_expression,
)
from maestro_workflow_engine.dsl._node import Node
from maestro_workflow_engine.dsl._scan import scan


@dataclass(frozen=True)
class Template:
    """A value to be filled in."""

    value: Any
    """JSON, with an `Expression` or a `Template` where there is something to evaluate."""

    def fill(self, evaluate: Callable[[Expression], Any]) -> Any:
        """Evaluate every expression in it.

        Args:
            evaluate: What evaluates one expression.

        Returns:
            A plain JSON value. Text that an expression gives is data: it is never evaluated again.
        """
        return _fill(self.value, evaluate)


def parse_template(node: Node, scope: frozenset[str]) -> Template:
    """Read a value in which `${ … }` strings are expressions.

    Args:
        node: The value.
        scope: The variables its expressions may use.

    Returns:
        The template.
    """
    return Template(_parse(node, scope))


def parse_transformation(node: Node, scope: frozenset[str]) -> Template:
    """Read `from` or `as`: text is an expression, enclosed or not; a mapping is a value with expressions in it."""
    if isinstance(node.value, str):
        return Template(_parse(node, scope) if node.log.is_loose else parse_expression(node, scope))
    if not isinstance(node.value, dict):
        node.fault("must be an expression or a mapping")
    return parse_template(node, scope)


def _parse(node: Node, scope: frozenset[str]) -> Any:
    value = node.value
    if isinstance(value, str):
        inner = enclosed(value)
        if node.log.is_loose and (inner is None or not scan(inner).impure):
            return lenient_expression(value, scope) or value
        return value if inner is None else compile_expression(node, inner, scope)
    if isinstance(value, list):
        return [_parse(node.child(index), scope) for index in range(len(value))]
    if isinstance(value, dict):
        return {key: _parse(node.child(key), scope) for key in value}
    return value


def _fill(value: Any, evaluate: Callable[[Expression], Any]) -> Any:
    if isinstance(value, Expression):
        return evaluate(value)
    if isinstance(value, list):
        return [_fill(item, evaluate) for item in value]
    if isinstance(value, Mapping):
        return {key: _fill(item, evaluate) for key, item in value.items()}
    return value
