"""Durations: a mapping of units, ISO 8601 text, or an expression that gives one of them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from maestro_workflow_engine.dsl._expressions import Expression, compile_expression, enclosed
from maestro_workflow_engine.dsl._node import Node, kind_of

UNITS = ("days", "hours", "minutes", "seconds", "milliseconds")

Duration = timedelta | Expression
"""A duration that is known, or that is evaluated when it is needed."""

_NUMBER = r"\d+(?:\.\d+)?"
_ISO = re.compile(
    rf"P(?!\Z)(?:(?P<years>{_NUMBER})Y)?(?:(?P<months>{_NUMBER})M)?(?:(?P<weeks>{_NUMBER})W)?(?:(?P<days>{_NUMBER})D)?"
    rf"(?:T(?=\d)(?:(?P<hours>{_NUMBER})H)?(?:(?P<minutes>{_NUMBER})M)?(?:(?P<seconds>{_NUMBER})S)?)?"
)


class DurationError(ValueError):
    """A value is no duration."""


def parse_duration(node: Node, scope: frozenset[str]) -> Duration:
    """Read a duration.

    Args:
        node: The field.
        scope: The variables that an expression may use.

    Returns:
        The duration, or the expression that gives it; no time at all after a fault.
    """
    if isinstance(node.value, str):
        inner = enclosed(node.value)
        if inner is not None:
            return compile_expression(node, inner, scope)
        try:
            return _from_iso(node.value)
        except NotImplementedError as error:
            node.unsupported(str(error))
        except DurationError as error:
            node.fault(str(error))
        return timedelta(0)
    if isinstance(node.value, dict):
        fields = node.fields(UNITS, what="a duration")
        if not node.value:
            node.fault(f"names no unit; give at least one of {', '.join(UNITS)}")
        return timedelta(**{unit: field.integer() for unit, field in fields.items()})
    node.fault(f"must be a duration (a mapping of units, or ISO 8601 text such as PT30S), not {kind_of(node.value)}")
    return timedelta(0)


def parse_timeout(node: Node, scope: frozenset[str]) -> Duration | None:
    """Read a timeout's definition.

    Args:
        node: The timeout.
        scope: The variables that an expression may use.

    Returns:
        How long the task or workflow may take; None after a fault.
    """
    fields = node.fields(("after",), ("after",), what="a timeout")
    return parse_duration(fields["after"], scope) if "after" in fields else None


def resolve_duration(duration: Duration, evaluate: Callable[[Expression], Any]) -> timedelta:
    """Return the duration, evaluating it if it is an expression.

    Args:
        duration: What `parse_duration` returned.
        evaluate: What evaluates one expression.

    Returns:
        The duration.

    Raises:
        DurationError: The expression gave no duration.
    """
    if isinstance(duration, timedelta):
        return duration
    value = evaluate(duration)
    if isinstance(value, dict) and value and all(unit in UNITS and _is_number(value[unit]) for unit in value):
        return timedelta(**value)
    if not isinstance(value, str):
        raise DurationError(f"{duration.text!r} gave {kind_of(value)} where a duration is needed")
    try:
        return _from_iso(value)
    except NotImplementedError as error:
        raise DurationError(str(error)) from error


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _from_iso(text: str) -> timedelta:
    match = _ISO.fullmatch(text)
    if match is None:
        raise DurationError(f"{text!r} is no ISO 8601 duration, such as PT30S or P1DT12H")
    parts = {unit: float(amount) for unit, amount in match.groupdict().items() if amount is not None}
    if "years" in parts or "months" in parts:
        raise NotImplementedError(f"{text!r} counts in years or months, whose length is not fixed; use weeks or days")
    return timedelta(**parts)
