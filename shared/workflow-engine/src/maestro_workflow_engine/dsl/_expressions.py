"""Runtime expressions: jq, compiled when the document is loaded (DSL 1.0.3, "Runtime Expressions")."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from maestro_workflow_engine.dsl._closure_parser import closure_of
from maestro_workflow_engine.dsl._closures import Closure, UnsureError
from maestro_workflow_engine.dsl._comparison import Comparison, plain_comparison
from maestro_workflow_engine.dsl._faults import suggest
from maestro_workflow_engine.dsl._jq import RESULT_LIMIT, JqError, Program, RepetitionError, compile_program
from maestro_workflow_engine.dsl._node import Node
from maestro_workflow_engine.dsl._paths import Path, PathError, plain_path
from maestro_workflow_engine.dsl._scan import scan
from maestro_workflow_engine.dsl._weight import Weight, weight

ARGUMENTS = ("context", "input", "output", "secrets", "authorization", "task", "workflow", "runtime")
"""The runtime expression arguments of the specification."""

SECRETS = frozenset({"secrets"})
"""What the arguments of a call and its `input.from`, and the environment and stdin of a process, may use beside: they are
evaluated inside the step then."""
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

_SURROGATE = r"\ud"
_ENCLOSED = re.compile(r"\s*\$\{(.+)\}\s*", re.DOTALL)


class ExpressionError(ValueError):
    """An expression failed while it was evaluated."""


class HeavyExpressionError(ExpressionError):
    """An expression may take long or much: it is to be evaluated where it can be stopped.

    Attributes:
        program: The compiled program.
        text: What it is to be run on, as JSON.
    """

    def __init__(self, program: Program, text: str) -> None:
        super().__init__("the expression may take long")
        self.program = program
        self.text = text


@dataclass(frozen=True)
class Expression:
    """A compiled expression."""

    text: str
    """The jq program, without `${ }`."""
    program: Path | Comparison | Program
    """What runs it."""
    weight: Weight | None = None
    """A bound for its work; None where there is none."""
    closure: Closure | None = field(default=None, repr=False, compare=False)
    """What does the same in Python for most data, several times faster; None where only jq can."""
    otherwise: str | None = None
    """What it gives when it fails (loose mode); None where that is an error."""

    def evaluate(self, data: Any, variables: Mapping[str, Any]) -> Any:
        """Evaluate the expression here and now, however long that takes.

        Args:
            data: What `.` stands for.
            variables: The values of every variable that is in scope, by name without `$`.

        Returns:
            The one value; None when the program gives none.

        Raises:
            ExpressionError: The program failed, or gave more than one value.
        """
        try:
            return self.evaluate_light(data, variables)
        except HeavyExpressionError as heavy:
            try:
                return self.only(heavy.program.first_two_unguarded(heavy.text))
            except JqError as error:
                return self.failed(str(error))

    def evaluate_light(self, data: Any, variables: Mapping[str, Any]) -> Any:
        """Evaluate the expression unless it may take long; which it is depends on its text and its data alone.

        Args:
            data: What `.` stands for.
            variables: The values of every variable that is in scope, by name without `$`.

        Returns:
            The one value; None when the program gives none.

        Raises:
            HeavyExpressionError: It may take long. It was not evaluated, or without effect.
            ExpressionError: The program failed, or gave more than one value.
        """
        text = ""
        try:
            if isinstance(self.program, Path | Comparison):
                return self.program.evaluate(data, variables)
            text = self.program.encode(data, variables)
            if self.weight is None or not self.weight.is_light(len(text)):
                raise HeavyExpressionError(self.program, text)
            if self.closure is not None and self._is_plain(text, self.weight):
                try:
                    return self.closure(data, variables)
                except (UnsureError, RecursionError):  # jq needs no stack of ours
                    pass
            return self.only(self.program.first_two(text))
        except RepetitionError as error:
            assert isinstance(self.program, Program)  # nothing else multiplies
            raise HeavyExpressionError(self.program, text) from error
        except (JqError, PathError) as error:
            return self.failed(str(error))

    @staticmethod
    def _is_plain(text: str, bound: Weight) -> bool:
        """Tell whether data goes through jq unchanged, which replaces lone surrogates, and cannot become too long."""
        return _SURROGATE not in text and bound.longest(len(text)) <= RESULT_LIMIT

    def only(self, results: list[Any]) -> Any:
        """Return the one result; None when there is none.

        Raises:
            ExpressionError: There is more than one.
        """
        if len(results) > 1:
            return self.failed("it gave more than one value; collect them with [ ]")
        return results[0] if results else None

    def failed(self, reason: str) -> str:
        """Return what stands in for the value of an expression that failed.

        Raises:
            ExpressionError: Nothing does.
        """
        if self.otherwise is not None:
            return self.otherwise
        raise ExpressionError(f"{self.text!r} failed: {reason}")


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
        place = f"(character {found.places[name]} of the expression)"
        node.fault(
            f"expression {text!r} uses {name!r} {place}, whose result could differ when the run is replayed", meant
        )
    if found.impure or _blank(node, text):
        return IDENTITY
    try:
        return _compiled(text, scope)
    except JqError as error:
        unknown = [name for name in sorted(found.variables - scope) if f"${name} is not defined" in str(error)]
        reason = "; ".join(_out_of_scope(name, scope) for name in unknown) or str(error)
        hint = suggest(unknown[0], scope) if unknown and unknown[0] not in ARGUMENTS else None
        node.fault(f"expression {text!r} is no jq program: {reason}", hint)
    return IDENTITY


@lru_cache(maxsize=4096)
def ready_expression(text: str, variables: tuple[str, ...]) -> Expression:
    """Return an expression that was found sound before, and is kept as text.

    Args:
        text: The jq program.
        variables: The variables it may use, sorted.

    Returns:
        The expression.

    Raises:
        ExpressionError: It is no jq program after all.
    """
    try:
        return _compiled(text, frozenset(variables))
    except JqError as error:
        raise ExpressionError(f"{text!r} is no jq program: {error}") from error


def lenient_expression(written: str, scope: frozenset[str]) -> Expression | None:
    """Read text that may be an expression or not (loose mode).

    Args:
        written: The text, `${ }` around it or not.
        scope: The variables it may use.

    Returns:
        An expression that gives the text itself when it fails; None when the text is no expression that could be evaluated.
    """
    inner = enclosed(written)
    text = written.strip() if inner is None else inner
    if not text or scan(text).impure:
        return None
    try:
        return replace(_compiled(text, scope), otherwise=written)
    except JqError:
        return None


def _compiled(text: str, scope: frozenset[str]) -> Expression:
    path = plain_path(text)
    if path is not None and (path.variable is None or path.variable in scope):
        return Expression(text, path)
    comparison = plain_comparison(text)
    if comparison is not None and (comparison.path.variable is None or comparison.path.variable in scope):
        return Expression(text, comparison)
    variables = tuple(sorted(scan(text).variables & scope))
    return Expression(text, compile_program(text, variables), weight(text), closure_of(text))


def _blank(node: Node, text: str) -> bool:
    if text.strip():
        return False
    node.fault("the expression is empty")
    return True


def _out_of_scope(name: str, scope: frozenset[str]) -> str:
    if name == "secrets":
        return (
            "$secrets can be read only in the arguments and the input.from of a call, and in the environment and stdin of a "
            "process, inside whose step they stay"
        )
    known = ", ".join(f"${other}" for other in sorted(scope))
    problem = "is not available here" if name in ARGUMENTS else "is not defined"
    return f"${name} {problem} (there are {known})"
