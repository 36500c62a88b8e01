"""The arguments of `call: http`."""

from __future__ import annotations

from typing import Any

from maestro_workflow_engine.dsl._endpoints import parse_endpoint
from maestro_workflow_engine.dsl._expressions import enclosed
from maestro_workflow_engine.dsl._model import Parser
from maestro_workflow_engine.dsl._node import Node
from maestro_workflow_engine.dsl._template import Template, parse_template
from maestro_workflow_engine.dsl.tasks._call_protocol import CallProtocol, arguments_of

OUTPUTS = ("raw", "content", "response")
_ARGUMENTS = ("method", "endpoint", "headers", "body", "query", "output", "redirect")


def parse(node: Node, arguments: Node | None, parser: Parser, scope: frozenset[str]) -> CallProtocol:
    """Read the arguments.

    Args:
        node: The `call` field.
        arguments: The `with` field; None when it is absent.
        parser: Knows the reusable components.
        scope: The variables that the arguments may use.

    Returns:
        The call.
    """
    arguments = arguments_of(node, arguments, {"method": "get", "endpoint": "http://"})
    fields = arguments.fields(_ARGUMENTS, ("method", "endpoint"), what="'call: http'")
    values: dict[str, Any] = {"method": fields["method"].text() if "method" in fields else ""}
    values["endpoint"] = parse_endpoint(fields["endpoint"], scope, parser.use) if "endpoint" in fields else {"uri": ""}
    for name in ("headers", "query"):
        if name in fields:
            values[name] = parse_texts(fields[name], scope)
    if "body" in fields:
        values["body"] = parse_template(fields["body"], scope).value
    return CallProtocol("http", Template(values | parse_output(fields)))


def parse_output(fields: dict[str, Node]) -> dict[str, Any]:
    """Read `output` and `redirect`; what is absent is left out."""
    values: dict[str, Any] = {}
    if "output" in fields:
        values["output"] = fields["output"].choice(OUTPUTS)
    if "redirect" in fields:
        values["redirect"] = fields["redirect"].boolean()
    return values


def parse_texts(node: Node, scope: frozenset[str]) -> Any:
    """Read headers and the like: a mapping to text, or an expression that gives one."""
    if isinstance(node.value, str):
        if enclosed(node.value) is None:
            node.fault("must be a mapping, or an expression in ${ }")
    else:
        for _, value in node.entries():
            value.text()
    return parse_template(node, scope).value
