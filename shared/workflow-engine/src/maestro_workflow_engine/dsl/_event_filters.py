"""Event filters of a document: `with` and `correlate`, and what they are once a run listens (DSL 1.0.3, "Event Filter").

An attribute's text is the value itself, or a regular expression where it has more than `.` of their syntax. A runtime
expression sees the attribute's value (for `data`: the data) as `.`; it matches when it gives `true`, or the very value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from maestro_workflow_engine._event_filter import (
    Correlation,
    EventFilter,
    Having,
    Is,
    Items,
    Like,
    Never,
    Pattern,
    Present,
    Where,
)
from maestro_workflow_engine.dsl._expressions import Expression, compile_expression, enclosed, parse_expression
from maestro_workflow_engine.dsl._node import Node, kind_of
from maestro_workflow_engine.dsl._paths import Path
from maestro_workflow_engine.dsl._scan import scan

ATTRIBUTE_NAME = re.compile(r"[a-z0-9]+")
TEXTS = ("id", "source", "type", "time", "subject", "datacontenttype", "dataschema")
"""The attributes that are text."""
_REGEX_SYNTAX = re.compile(r"[\\^$*+?()\[\]{}|]")
Variables = Mapping[str, Any]


@dataclass(frozen=True)
class CorrelationDefinition:
    """One entry of `correlate`."""

    source: Expression
    """`from`: takes the value out of an event."""
    expect: Any = None
    """What the value must be: an `Expression`, or a constant; None for that of the first event."""


@dataclass(frozen=True)
class FilterDefinition:
    """One event filter."""

    attributes: Mapping[str, Any]
    """By name: patterns, or values with expressions in them."""
    correlate: Mapping[str, CorrelationDefinition] = field(default_factory=dict)

    def resolve(self, variables: Variables, evaluate: Callable[[Expression], Any]) -> EventFilter:
        """Return the filter as it is for a run that begins to listen.

        Args:
            variables: What its expressions may use, by name; what they do use is kept with the filter.
            evaluate: Evaluates an expression on the task's input.
        """
        return EventFilter(
            {name: _resolve(each, variables) for name, each in self.attributes.items()},
            {name: _correlation(each, variables, evaluate) for name, each in self.correlate.items()},
        )


def parse_filter(node: Node, scope: frozenset[str]) -> FilterDefinition:
    """Read an event filter.

    Args:
        node: The filter.
        scope: The variables its expressions may use.

    Returns:
        The filter; an empty one after a fault.
    """
    fields = node.fields(("with", "correlate"), ("with",), what="an event filter")
    attributes: dict[str, Any] = {}
    if "with" in fields:
        for name, value in fields["with"].entries():
            if check_attribute_name(value, name):
                attributes[name] = _parse(value, scope) if name == "data" else _parse_attribute(value, scope)
        if fields["with"].value == {}:
            fields["with"].fault("names no attribute; to hear every event, listen to 'any: []'")
    correlate = dict(fields["correlate"].entries()) if "correlate" in fields else {}
    return FilterDefinition(attributes, {name: _parse_correlation(item, scope) for name, item in correlate.items()})


def check_attribute_name(node: Node, name: str) -> bool:
    """Tell whether a key can be the name of an event's attribute; note a fault if not."""
    if ATTRIBUTE_NAME.fullmatch(name):
        return True
    lower = re.sub(r"[^a-z0-9]", "", name.lower())
    node.fault(
        f"{name!r} is no attribute of a CloudEvent: use lower-case letters and digits", f"did you mean {lower!r}?"
    )
    return False


def check_time(node: Node) -> None:
    """Note a fault at a time that is neither an RFC 3339 time nor an expression."""
    text = node.value
    if isinstance(text, str) and enclosed(text) is None:
        try:
            aware = datetime.fromisoformat(text).tzinfo is not None
        except ValueError:
            aware = False
        if not aware:
            node.fault(f"{text!r} is no RFC 3339 time, such as 2026-01-31T12:00:00Z")


def _parse_correlation(node: Node, scope: frozenset[str]) -> CorrelationDefinition:
    fields = node.fields(("from", "expect"), ("from",), what="a correlation")
    source = parse_expression(fields["from"], scope) if "from" in fields else Expression(".", Path(None, ()))
    expect: Any = None
    if "expect" in fields:
        text = fields["expect"].text()
        inner = enclosed(text)
        expect = text if inner is None else compile_expression(fields["expect"], inner, scope)
    return CorrelationDefinition(source, expect)


def _parse_attribute(node: Node, scope: frozenset[str]) -> Any:
    value = node.value
    if isinstance(value, str) and enclosed(value) is None and _REGEX_SYNTAX.search(value):
        try:
            re.compile(value)
        except re.error:
            return value
        return Like(value)
    name = node.path.rpartition("/")[2]
    if name in TEXTS:
        node.text()
        if name == "time":
            check_time(node)
    elif isinstance(value, list | dict) or value is None:
        node.fault(f"must be text, a number, true or false, not {kind_of(value)}")
    return _parse(node, scope)


def _parse(node: Node, scope: frozenset[str]) -> Any:
    value = node.value
    if isinstance(value, str):
        inner = enclosed(value)
        return value if inner is None else compile_expression(node, inner, scope)
    if isinstance(value, list):
        return [_parse(node.child(index), scope) for index in range(len(value))]
    if isinstance(value, dict):
        return {key: _parse(node.child(key), scope) for key in value}
    return value


def _resolve(part: Any, variables: Variables) -> Pattern:
    if isinstance(part, Like):
        return part
    if isinstance(part, Expression):
        return _condition(part, variables)
    if isinstance(part, dict):
        return Having({name: _resolve(each, variables) for name, each in part.items()})
    if isinstance(part, list):
        return Items([_resolve(each, variables) for each in part])
    return Is(part)


def _condition(expression: Expression, variables: Variables) -> Pattern:
    program = expression.program
    if not isinstance(program, Path) or program.variable is None:
        return Where(expression.text, _used(expression, variables))
    value = program.evaluate(None, variables)  # it does not look at the event: its value is known by now
    if value is None or value is False:
        return Never()
    return Present() if value is True else Is(value)


def _correlation(
    definition: CorrelationDefinition, variables: Variables, evaluate: Callable[[Expression], Any]
) -> Correlation:
    source, used = definition.source, _used(definition.source, variables)
    if definition.expect is None:
        return Correlation(source.text, used)
    expect = definition.expect
    return Correlation(source.text, used, evaluate(expect) if isinstance(expect, Expression) else expect)


def _used(expression: Expression, variables: Variables) -> dict[str, Any]:
    return {name: variables[name] for name in sorted(scan(expression.text).variables) if name in variables}
