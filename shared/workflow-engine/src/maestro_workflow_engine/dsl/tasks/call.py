"""`call`: HTTP, or a registered step by its name."""

from __future__ import annotations

import re
from collections.abc import Mapping

from maestro_workflow_engine.dsl._expressions import IN_TASK
from maestro_workflow_engine.dsl._model import Body, Parser
from maestro_workflow_engine.dsl._node import Node
from maestro_workflow_engine.dsl._unsupported import refuse
from maestro_workflow_engine.dsl.tasks import _call_http
from maestro_workflow_engine.dsl.tasks._call_step import CallStep, parse_arguments

FIELDS = ("call", "with")
REQUIRED = ("call",)

_UNSUPPORTED = frozenset({"a2a", "asyncapi", "grpc", "mcp", "openapi"})
_ELSEWHERE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://|.*@")
"""A function at an address, or `name:version@catalog`."""


def parse(fields: Mapping[str, Node], parser: Parser, scope: frozenset[str]) -> Body:
    """Read the task."""
    node = fields["call"]
    name = node.text()
    if name == "http":
        return _call_http.parse(node, fields.get("with"), parser, scope)
    if name in _UNSUPPORTED:
        return refuse(node, f"'call: {name}'")
    if _ELSEWHERE.match(name):
        return refuse(node, "functions from catalogs and addresses")
    if not name and isinstance(node.value, str):
        node.fault("names no function")
    return CallStep(name, node.path, parse_arguments(fields.get("with"), IN_TASK | scope))
