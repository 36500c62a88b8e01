"""What is worked out inside the step: expressions over secrets and credentials, whose values must not reach the history.

A workflow's code is replayed from its history, so that what it computes is in there, or in the arguments of a step. An
expression that uses `$secrets` or `$authorization` is therefore handed to the step unevaluated, with the data it works on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from maestro_workflow_engine.dsl._expressions import Expression, ExpressionError
from maestro_workflow_engine.dsl._jq import JqError, compile_program
from maestro_workflow_engine.dsl._scan import scan
from maestro_workflow_engine.dsl._template import Template
from maestro_workflow_engine.dsl._uri import UriError, UriTemplate

CONFIDENTIAL = frozenset({"secrets", "authorization"})
"""The variables that have their values in steps only."""


class ConfidentialError(ValueError):
    """An expression failed inside a step. The message has no part of its data: jq quotes values, if only their beginning."""


@dataclass(frozen=True)
class Late:
    """One value that is missing, and how it is made."""

    at: list[str | int]
    """Where it belongs: keys and indices from the outside in."""
    expression: str
    """A jq program, or a URI template."""
    data: Any = None
    """What `.` stands for."""
    variables: dict[str, Any] = field(default_factory=dict)
    """The variables it uses, but for the confidential ones."""
    inner: list[Late] | None = None
    """What is missing in the data, which is the task's input; None where it is complete."""
    is_uri: bool = False
    """Whether it is a URI template."""


@dataclass(frozen=True)
class Sealed:
    """A value with some of its parts missing."""

    value: Any
    late: list[Late] = field(default_factory=list)


def is_confidential(template: Template | None) -> bool:
    """Tell whether something in a template uses a confidential variable."""
    return template is not None and any(
        isinstance(part, Expression) and scan(part.text).variables & CONFIDENTIAL
        for _, part in _parts(template.value, [])
    )


def seal(template: Template, data: Any, evaluate: Callable[[Expression, Any], Any], known: Mapping[str, Any]) -> Sealed:
    """Fill in a template, but for what is confidential.

    Args:
        template: The template.
        data: What `.` stands for; a `Sealed` makes everything late that is not literal.
        evaluate: What evaluates one expression on data.
        known: The variables in scope, for what is evaluated later.

    Returns:
        The value, None standing wherever something is missing.

    Raises:
        TaskError: An expression failed.
        UriError: A value cannot stand in a URI.
    """
    late: list[Late] = []
    inner = data.late if isinstance(data, Sealed) else None
    plain = data.value if isinstance(data, Sealed) else data

    def part(value: Any, at: list[str | int]) -> Any:
        if isinstance(value, Expression):
            used = scan(value.text).variables
            if inner is None and not used & CONFIDENTIAL:
                return evaluate(value, plain)
            variables = {name: known[name] for name in sorted(used - CONFIDENTIAL - {"input"}) if name in known}
            if "input" in used and inner is None:
                variables["input"] = known["input"]
            late.append(Late(at, value.text, plain, variables, inner))
            return None
        if isinstance(value, UriTemplate):
            if inner is None:
                return value.expand(plain)
            late.append(Late(at, value.text, plain, {}, inner, is_uri=True))
            return None
        if isinstance(value, Mapping):
            return {key: part(item, [*at, key]) for key, item in value.items()}
        if isinstance(value, list):
            return [part(item, [*at, index]) for index, item in enumerate(value)]
        return value

    return Sealed(part(template.value, []), late)


def unseal(value: Any, late: Sequence[Late], confidential: Mapping[str, Any]) -> Any:
    """Put in what is missing.

    Args:
        value: The value.
        late: What is missing in it.
        confidential: The values of the confidential variables.

    Returns:
        The whole value.

    Raises:
        ConfidentialError: Something could not be evaluated.
    """
    for each in late:
        value = _put(value, each.at, _found(each, confidential))
    return value


def _found(each: Late, confidential: Mapping[str, Any]) -> Any:
    variables = {**each.variables, **confidential}
    data = each.data
    if each.inner is not None:
        data = variables["input"] = unseal(data, each.inner, confidential)
    try:
        if each.is_uri:
            return UriTemplate(each.expression).expand(data)
        names = tuple(sorted(scan(each.expression).variables & set(variables)))
        return Expression(each.expression, compile_program(each.expression, names)).evaluate(data, variables)
    except (ExpressionError, JqError, UriError):
        raise ConfidentialError(
            f"{each.expression!r} failed; why is not told, because secrets may be part of it"
        ) from None


def _put(value: Any, at: Sequence[str | int], found: Any) -> Any:
    if not at:
        return found
    copy: Any = list(value) if isinstance(value, list) else dict(value)
    copy[at[0]] = _put(copy[at[0]], at[1:], found)
    return copy


def _parts(value: Any, at: list[str | int]) -> list[tuple[list[str | int], Any]]:
    """List the leaves of a value, with where they are."""
    if isinstance(value, Mapping):
        return [leaf for key, item in value.items() for leaf in _parts(item, [*at, key])]
    if isinstance(value, list):
        return [leaf for index, item in enumerate(value) for leaf in _parts(item, [*at, index])]
    return [(at, value)]


def confidential_names(late: Sequence[Late]) -> list[str]:
    """List the expressions that are to be evaluated, those inside data included."""
    return [text for each in late for text in (each.expression, *confidential_names(each.inner or []))]
