"""The arguments of `call: a2a`."""

from __future__ import annotations

from typing import Any

from maestro_workflow_engine.dsl._endpoints import parse_endpoint, parse_resource
from maestro_workflow_engine.dsl._expressions import enclosed
from maestro_workflow_engine.dsl._model import Parser
from maestro_workflow_engine.dsl._node import Node, kind_of
from maestro_workflow_engine.dsl._template import Template, parse_template
from maestro_workflow_engine.dsl.tasks._call_protocol import CallProtocol, arguments_of

METHODS = (
    "message/send",
    "message/stream",
    "tasks/get",
    "tasks/list",
    "tasks/cancel",
    "tasks/resubscribe",
    "tasks/pushNotificationConfig/set",
    "tasks/pushNotificationConfig/get",
    "tasks/pushNotificationConfig/list",
    "tasks/pushNotificationConfig/delete",
    "agent/getAuthenticatedExtendedCard",
)


def parse(node: Node, arguments: Node | None, parser: Parser, scope: frozenset[str]) -> CallProtocol:
    """Read the arguments; see `_call_http.parse`."""
    arguments = arguments_of(node, arguments, {"method": METHODS[0], "server": "http://"})
    fields = arguments.fields(("method", "agentCard", "server", "parameters"), ("method",), what="'call: a2a'")
    values: dict[str, Any] = {}
    if "method" in fields:
        values["method"] = fields["method"].choice(METHODS)
    if "agentCard" in fields:
        values["agentCard"] = parse_resource(fields["agentCard"], scope, parser.use)
    if "server" in fields:
        values["server"] = parse_endpoint(fields["server"], scope, parser.use)
    if not {"agentCard", "server"} & set(fields) and isinstance(arguments.value, dict):
        arguments.fault("names no agent: give 'agentCard' or 'server'")
    if "parameters" in fields:
        values["parameters"] = parse_parameters(fields["parameters"], scope)
        if fields["parameters"].value == {}:
            fields["parameters"].fault("is empty; leave it out")
    return CallProtocol("a2a", Template(values))


def parse_parameters(node: Node, scope: frozenset[str]) -> Any:
    """Read `parameters`: a mapping, or an expression that gives one."""
    if isinstance(node.value, str):
        if enclosed(node.value) is None:
            node.fault("must be a mapping, or an expression in ${ }")
    elif not isinstance(node.value, dict):
        node.fault(f"must be a mapping, or an expression in ${{ }}, not {kind_of(node.value)}")
    return parse_template(node, scope).value
