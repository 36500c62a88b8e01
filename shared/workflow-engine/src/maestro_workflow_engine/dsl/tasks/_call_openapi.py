"""The arguments of `call: openapi`."""

from __future__ import annotations

from typing import Any

from maestro_workflow_engine.dsl._endpoints import parse_authentication, parse_resource
from maestro_workflow_engine.dsl._model import Parser
from maestro_workflow_engine.dsl._node import Node, kind_of
from maestro_workflow_engine.dsl._template import Template, parse_template
from maestro_workflow_engine.dsl.tasks._call_http import parse_output
from maestro_workflow_engine.dsl.tasks._call_protocol import CallProtocol, arguments_of

_ARGUMENTS = ("document", "operationId", "parameters", "authentication", "output", "redirect")


def parse(node: Node, arguments: Node | None, parser: Parser, scope: frozenset[str]) -> CallProtocol:
    """Read the arguments; see `_call_http.parse`."""
    arguments = arguments_of(node, arguments, {"document": {"endpoint": "http://"}, "operationId": ""})
    fields = arguments.fields(_ARGUMENTS, ("document", "operationId"), what="'call: openapi'")
    values: dict[str, Any] = {
        "operationId": parse_template(fields["operationId"], scope).value if "operationId" in fields else ""
    }
    if "operationId" in fields:
        fields["operationId"].text()
    values["document"] = parse_resource(fields["document"], scope, parser.use) if "document" in fields else {"uri": ""}
    if "parameters" in fields:
        if not isinstance(fields["parameters"].value, dict):
            fields["parameters"].fault(f"must be a mapping, not {kind_of(fields['parameters'].value)}")
        values["parameters"] = parse_template(fields["parameters"], scope).value
    if "authentication" in fields:
        values |= parse_authentication(fields["authentication"], scope, parser.use)
    return CallProtocol("openapi", Template(values | parse_output(fields)))
