"""`call`: one of the specification's protocols, a function, or a registered step or workflow by its name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from maestro_workflow_engine.dsl._expressions import IN_TASK, SECRETS
from maestro_workflow_engine.dsl._model import Body, Parser
from maestro_workflow_engine.dsl._node import Node
from maestro_workflow_engine.dsl.tasks import (
    _call_a2a,
    _call_asyncapi,
    _call_grpc,
    _call_http,
    _call_mcp,
    _call_openapi,
)
from maestro_workflow_engine.dsl.tasks._call_function import CallFunction, parse_elsewhere
from maestro_workflow_engine.dsl.tasks._call_step import CallStep, parse_arguments

FIELDS = ("call", "with")
REQUIRED = ("call",)

_PROTOCOLS: Mapping[str, Callable[[Node, Node | None, Parser, frozenset[str]], Body]] = {
    "a2a": _call_a2a.parse,
    "asyncapi": _call_asyncapi.parse,
    "grpc": _call_grpc.parse,
    "http": _call_http.parse,
    "mcp": _call_mcp.parse,
    "openapi": _call_openapi.parse,
}


def parse(fields: Mapping[str, Node], parser: Parser, scope: frozenset[str]) -> Body:
    """Read the task."""
    node = fields["call"]
    name = node.text()
    if name in _PROTOCOLS:
        return _PROTOCOLS[name](node, fields.get("with"), parser, IN_TASK | SECRETS | scope)
    if not name and isinstance(node.value, str):
        node.fault("names no function")
    arguments = parse_arguments(fields["with"], IN_TASK | scope) if "with" in fields else None
    if name in parser.use.functions:
        return CallFunction(name, arguments)
    return parse_elsewhere(node, arguments, parser) or CallStep(name, node.path, arguments)
