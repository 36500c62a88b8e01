"""The arguments of `call: grpc`."""

from __future__ import annotations

import re
from typing import Any

from maestro_workflow_engine.dsl._endpoints import parse_authentication, parse_resource
from maestro_workflow_engine.dsl._expressions import enclosed
from maestro_workflow_engine.dsl._model import Parser
from maestro_workflow_engine.dsl._node import Node, kind_of
from maestro_workflow_engine.dsl._template import Template, parse_template
from maestro_workflow_engine.dsl.tasks._call_protocol import CallProtocol, arguments_of

_HOST = re.compile(r"[a-zA-Z0-9](?:[a-zA-Z0-9-.]{0,61}[a-zA-Z0-9])?")
_STAND_IN = {"proto": {"endpoint": "http://"}, "service": {"name": "", "host": "localhost"}, "method": ""}


def parse(node: Node, arguments: Node | None, parser: Parser, scope: frozenset[str]) -> CallProtocol:
    """Read the arguments; see `_call_http.parse`."""
    arguments = arguments_of(node, arguments, _STAND_IN)
    fields = arguments.fields(("proto", "service", "method", "arguments"), _STAND_IN, what="'call: grpc'")
    values: dict[str, Any] = {}
    if "proto" in fields:
        values["proto"] = parse_resource(fields["proto"], scope, parser.use)
    if "service" in fields:
        values["service"] = _parse_service(fields["service"], parser, scope)
    if "method" in fields:
        fields["method"].text()
        values["method"] = parse_template(fields["method"], scope).value
    if "arguments" in fields:
        if not isinstance(fields["arguments"].value, dict):
            fields["arguments"].fault(f"must be a mapping, not {kind_of(fields['arguments'].value)}")
        values["arguments"] = parse_template(fields["arguments"], scope).value
    return CallProtocol("grpc", Template(values))


def _parse_service(node: Node, parser: Parser, scope: frozenset[str]) -> dict[str, Any]:
    fields = node.fields(("name", "host", "port", "authentication"), ("name", "host"), what="a gRPC service")
    values: dict[str, Any] = {}
    for name in ("name", "host"):
        if name in fields:
            word = fields[name].text()
            if name == "host" and enclosed(word) is None and word and not _HOST.fullmatch(word):
                fields[name].fault(f"{word!r} is no host name")
            elif name == "host" and enclosed(word) is not None:
                fields[name].fault("must be a host name, not an expression")
            values[name] = parse_template(fields[name], scope).value
    if "port" in fields:
        values["port"] = fields["port"].integer()
        if not 0 <= values["port"] <= 65535:
            fields["port"].fault(f"{values['port']} is no port: 0 to 65535")
    if "authentication" in fields:
        values |= parse_authentication(fields["authentication"], scope, parser.use)
    return values
