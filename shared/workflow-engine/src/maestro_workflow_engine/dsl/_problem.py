"""Errors as documents define them: literal values or expressions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from maestro_workflow_engine.dsl._errors import ProblemDetails
from maestro_workflow_engine.dsl._expressions import ExpressionError
from maestro_workflow_engine.dsl._node import Node
from maestro_workflow_engine.dsl._template import Template, parse_template

_TEXTS = ("type", "title", "detail", "instance")


@dataclass(frozen=True)
class Problem:
    """The definition of an error."""

    fields: Template
    """`type` and `status`; `title`, `detail` and `instance` where they are given."""

    def made(self, values: Mapping[str, Any], instance: str) -> ProblemDetails:
        """Make the error.

        Args:
            values: The fields, filled in.
            instance: JSON Pointer of the task that raises it, for definitions that name no instance.

        Returns:
            The error.

        Raises:
            ExpressionError: An expression gave something else than text.
        """
        values = {"instance": instance, **values}
        for name in _TEXTS:
            if not isinstance(values.get(name), str | None):
                raise ExpressionError(f"the error's {name!r} must be text, not {values[name]!r}")
        return ProblemDetails(**values)


def parse_problem(node: Node, scope: frozenset[str]) -> Problem:
    """Read the definition of an error.

    Args:
        node: The definition.
        scope: The variables its expressions may use.

    Returns:
        The definition.
    """
    fields = node.fields((*_TEXTS, "status"), ("type", "status"), what="an error")
    if "status" in fields:
        fields["status"].integer()
    for name in _TEXTS:
        if name in fields:
            fields[name].text()
    return Problem(Template({name: parse_template(field, scope).value for name, field in fields.items()}))
