"""The arguments of `call: mcp`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from maestro_workflow_engine.dsl._durations import Duration, parse_duration
from maestro_workflow_engine.dsl._endpoints import parse_endpoint
from maestro_workflow_engine.dsl._frame import Frame
from maestro_workflow_engine.dsl._model import Outcome, Parser
from maestro_workflow_engine.dsl._node import Node
from maestro_workflow_engine.dsl._sequence import within
from maestro_workflow_engine.dsl._template import Template, parse_template
from maestro_workflow_engine.dsl.tasks._call_a2a import parse_parameters
from maestro_workflow_engine.dsl.tasks._call_http import parse_texts
from maestro_workflow_engine.dsl.tasks._call_protocol import arguments_of, perform

METHODS = (
    "tools/list",
    "tools/call",
    "prompts/list",
    "prompts/get",
    "resources/list",
    "resources/read",
    "resources/templates/list",
)
DEFAULT_VERSION = "2025-06-18"
_STAND_IN = {"method": METHODS[0], "transport": {"http": {"endpoint": "http://"}}}


@dataclass(frozen=True)
class CallMcp:
    """The call to perform."""

    arguments: Template
    timeout: Duration | None

    async def run(self, frame: Frame) -> Outcome:
        """Perform the call; its result is the output. When its time is up, that is the standard error "timeout"."""
        if self.timeout is None:
            return Outcome(await perform(frame, "mcp", self.arguments))
        limit = await frame.duration_of(self.timeout, frame.input)
        return Outcome(await within(limit, perform(frame, "mcp", self.arguments), frame))


def parse(node: Node, arguments: Node | None, parser: Parser, scope: frozenset[str]) -> CallMcp:
    """Read the arguments; see `_call_http.parse`."""
    arguments = arguments_of(node, arguments, _STAND_IN)
    known = ("protocolVersion", "method", "parameters", "timeout", "transport", "client")
    fields = arguments.fields(known, ("method", "transport"), what="'call: mcp'")
    values: dict[str, Any] = {"protocolVersion": DEFAULT_VERSION}
    if "protocolVersion" in fields:
        fields["protocolVersion"].text()
        values["protocolVersion"] = parse_template(fields["protocolVersion"], scope).value
    if "method" in fields:
        values["method"] = fields["method"].choice(METHODS)
    if "parameters" in fields:
        values["parameters"] = parse_parameters(fields["parameters"], scope)
    if "transport" in fields:
        values["transport"] = _parse_transport(fields["transport"], parser, scope)
    if "client" in fields:
        for field in fields["client"].fields(("name", "version"), ("name", "version"), what="an MCP client").values():
            field.text()
        values["client"] = parse_template(fields["client"], scope).value
    timeout = parse_duration(fields["timeout"], scope - {"secrets"}) if "timeout" in fields else None
    return CallMcp(Template(values), timeout)


def _parse_transport(node: Node, parser: Parser, scope: frozenset[str]) -> dict[str, Any]:
    fields = node.fields(("http", "stdio", "options"), what="an MCP transport")
    if isinstance(node.value, dict) and len({"http", "stdio"} & set(fields)) != 1:
        node.fault("must hold either 'http' or 'stdio'")
    values: dict[str, Any] = {}
    if "options" in fields:
        values["options"] = parse_texts(fields["options"], scope)
    if "http" in fields:
        http = fields["http"].fields(("endpoint", "headers"), ("endpoint",), what="an HTTP transport")
        values["http"] = {"endpoint": parse_endpoint(http["endpoint"], scope, parser.use) if "endpoint" in http else {}}
        if "headers" in http:
            for _, header in http["headers"].entries():
                header.text()
            values["http"]["headers"] = parse_template(http["headers"], scope).value
    if "stdio" in fields:
        stdio = fields["stdio"].fields(("command", "arguments", "environment"), ("command",), what="a stdio transport")
        if "command" in stdio:
            stdio["command"].text()
        for item in stdio["arguments"].items() if "arguments" in stdio else ():
            item.text()
        for _, item in stdio["environment"].entries() if "environment" in stdio else ():
            item.text()
        values["stdio"] = {name: parse_template(field, scope).value for name, field in stdio.items()}
    return values
