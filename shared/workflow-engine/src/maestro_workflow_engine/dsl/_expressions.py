"""Runtime expressions: jq, compiled when the document is loaded (DSL 1.0.3, "Runtime Expressions")."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from maestro_workflow_engine.dsl._faults import suggest
from maestro_workflow_engine.dsl._jq import JqError, Program, compile_program
from maestro_workflow_engine.dsl._node import Node
from maestro_workflow_engine.dsl._paths import Path, PathError, plain_path
from maestro_workflow_engine.dsl._scan import scan

ARGUMENTS = ("context", "input", "output", "secrets", "authorization", "task", "workflow", "runtime")
"""The runtime expression arguments of the specification."""

SECRETS = frozenset({"secrets"})
"""What the arguments of a call and its `input.from` may use beside: they are evaluated inside the step then."""
WORKFLOW_INPUT = frozenset({"workflow", "runtime"})
"""What the workflow's `input.from` may use."""
BEFORE_TASK = frozenset({"context", "task", "workflow", "runtime"})
"""What a task's `if`, `input.from` and own `timeout` may use."""
IN_TASK = BEFORE_TASK | {"input", "authorization"}
"""What a task's own definition and `output.as` may use."""
AFTER_TASK = IN_TASK | {"output"}
"""What a task's `export.as` may use."""
WORKFLOW_OUTPUT = frozenset({"context", "workflow", "runtime"})
"""What the workflow's `output.as`, its `timeout`, and timeouts under `use` may use."""

_ENCLOSED = re.compile(r"\s*\$\{(.+)\}\s*", re.DOTALL)


class ExpressionError(ValueError):
    """An expression failed while it was evaluated."""


@dataclass(frozen=True)
class Expression:
    """A compiled expression."""

    text: str
    """The jq program, without `${ }`."""
    program: Path | Program
    """What runs it."""

    def evaluate(self, data: Any, variables: Mapping[str, Any]) -> Any:
        """Evaluate the expression.

        Args:
            data: What `.` stands for.
            variables: The values of every variable that is in scope, by name without `$`.

        Returns:
            The one value; None when the program gives none.

        Raises:
            ExpressionError: The program failed, or gave more than one value.
        """
        try:
            if isinstance(self.program, Path):
                return self.program.evaluate(data, variables)
            results = self.program.first_two(data, variables)
        except (JqError, PathError) as error:
            raise ExpressionError(f"{self.text!r} failed: {error}") from error
        if len(results) > 1:
            raise ExpressionError(f"{self.text!r} gave more than one value; collect them with [ ]")
        return results[0] if results else None


IDENTITY = Expression(".", Path(None, ()))


def enclosed(text: str) -> str | None:
    """Return what stands in `${ }`; None when the text as a whole is not enclosed that way."""
    match = _ENCLOSED.fullmatch(text)
    return match[1].strip() if match else None


def parse_expression(node: Node, scope: frozenset[str]) -> Expression:
    """Read a field that always holds an expression, `${ }` around it or not (such as `if`).

    Args:
        node: The field.
        scope: The variables it may use.

    Returns:
        The expression; the identity after a fault.
    """
    text = node.text()
    inner = enclosed(text)
    return compile_expression(node, text.strip() if inner is None else inner, scope) if text else IDENTITY


def compile_expression(node: Node, text: str, scope: frozenset[str]) -> Expression:
    """Compile a program that was found at a node; what is wrong with it is noted there."""
    found = scan(text)
    for name in found.impure:
        meant = f"did you mean ${name}?" if name in scope else None
        node.fault(f"expression {text!r} uses {name!r}, whose result could differ when the run is replayed", meant)
    if found.impure or _blank(node, text):
        return IDENTITY
    path = plain_path(text)
    if path is not None and (path.variable is None or path.variable in scope):
        return Expression(text, path)
    try:
        return Expression(text, compile_program(text, tuple(sorted(found.variables & scope))))
    except JqError as error:
        unknown = [name for name in sorted(found.variables - scope) if f"${name} is not defined" in str(error)]
        reason = "; ".join(_out_of_scope(name, scope) for name in unknown) or str(error)
        hint = suggest(unknown[0], scope) if unknown and unknown[0] not in ARGUMENTS else None
        node.fault(f"expression {text!r} is no jq program: {reason}", hint)
    return IDENTITY


def _blank(node: Node, text: str) -> bool:
    if text.strip():
        return False
    node.fault("the expression is empty")
    return True


def _out_of_scope(name: str, scope: frozenset[str]) -> str:
    if name == "secrets":
        return "$secrets can be read only in the arguments and the input.from of a call, inside whose step they stay"
    known = ", ".join(f"${other}" for other in sorted(scope))
    problem = "is not available here" if name in ARGUMENTS else "is not defined"
    return f"${name} {problem} (there are {known})"
