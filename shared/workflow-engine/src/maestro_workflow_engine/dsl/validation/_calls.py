"""The arguments of calls, by what is called."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from maestro_workflow_engine.dsl.validation._authentication import authentication
from maestro_workflow_engine.dsl.validation._rules import (
    Check,
    Findings,
    Where,
    anything,
    between,
    boolean,
    choice,
    integer,
    list_of,
    mapping,
    mapping_of,
    record,
    text,
)
from maestro_workflow_engine.dsl.validation._values import (
    duration,
    endpoint,
    expression,
    filled_mapping_or_text,
    resource,
    text_or_mapping,
    texts_or_expression,
)

_OUTPUT = choice("raw", "content", "response")

_HTTP = record(
    "the arguments of an HTTP call",
    {
        "method": text,
        "endpoint": endpoint,
        "headers": texts_or_expression,
        "body": anything,
        "query": texts_or_expression,
        "output": _OUTPUT,
        "redirect": boolean,
    },
    ("method", "endpoint"),
)

_OPENAPI = record(
    "the arguments of an OpenAPI call",
    {
        "document": resource,
        "operationId": text,
        "parameters": mapping,
        "authentication": authentication,
        "output": _OUTPUT,
        "redirect": boolean,
    },
    ("document", "operationId"),
)

_HOST = re.compile(r"[a-zA-Z0-9](?:[a-zA-Z0-9.-]{0,61}[a-zA-Z0-9])?")


def _host(value: Any, where: Where, findings: Findings) -> None:
    text(value, where, findings)
    if type(value) is str and not _HOST.fullmatch(value):
        findings.fault(where, "not-a-host", f"{value!r} is no host name")


_SERVICE = record(
    "a gRPC service",
    {"name": text, "host": _host, "port": between(0, 65535), "authentication": authentication},
    ("name", "host"),
)

_GRPC = record(
    "the arguments of a gRPC call",
    {"proto": resource, "service": _SERVICE, "method": text, "arguments": mapping},
    ("proto", "service", "method"),
)

_PROTOCOLS = (
    *("amqp", "amqp1", "anypointmq", "googlepubsub", "http", "ibmmq", "jms", "kafka", "mercure", "mqtt", "mqtt5"),
    *("nats", "pulsar", "redis", "sns", "solace", "sqs", "stomp", "ws"),
)
_MESSAGE = record("a message to publish", {"payload": mapping, "headers": mapping})
_CONSUMPTION = record(
    "the consumption of messages",
    {"for": duration, "amount": integer, "while": expression, "until": expression},
    exactly_one=[("amount", "while", "until")],
)
_SERVER = record("an AsyncAPI server", {"name": text, "variables": mapping}, ("name",))

_A2A_METHODS = (
    *("message/send", "message/stream", "tasks/get", "tasks/list", "tasks/cancel", "tasks/resubscribe"),
    *("tasks/pushNotificationConfig/set", "tasks/pushNotificationConfig/get", "tasks/pushNotificationConfig/list"),
    *("tasks/pushNotificationConfig/delete", "agent/getAuthenticatedExtendedCard"),
)
_A2A = record(
    "the arguments of an A2A call",
    {
        "agentCard": resource,
        "server": endpoint,
        "method": choice(*_A2A_METHODS),
        "parameters": filled_mapping_or_text("'parameters'"),
    },
    ("method",),
)

_MCP_METHODS = (
    *("tools/list", "tools/call", "prompts/list", "prompts/get"),
    *("resources/list", "resources/read", "resources/templates/list"),
)
_MCP_HTTP = record(
    "an HTTP transport", {"endpoint": endpoint, "headers": mapping_of(text)}, ("endpoint",), closed=False
)
_MCP_STDIO = record(
    "a stdio transport",
    {"command": text, "arguments": list_of(text), "environment": mapping_of(text)},
    ("command",),
    closed=False,
)
_TRANSPORT = record(
    "a transport",
    {"http": _MCP_HTTP, "stdio": _MCP_STDIO, "options": mapping_of(text)},
    exactly_one=[("http", "stdio")],
    closed=False,
)
_MCP = record(
    "the arguments of an MCP call",
    {
        "protocolVersion": text,
        "method": choice(*_MCP_METHODS),
        "parameters": text_or_mapping,
        "timeout": duration,
        "transport": _TRANSPORT,
        "client": record("a client", {"name": text, "version": text}, ("name", "version"), closed=False),
    },
    ("method", "transport"),
    closed=False,
)


def arguments(iterator: Check) -> Mapping[str, Check]:
    """Return what `with` may be, by the word under `call`.

    Args:
        iterator: What may stand under `foreach` in a subscription.
    """
    subscription = record(
        "a subscription", {"filter": expression, "consume": _CONSUMPTION, "foreach": iterator}, ("consume",)
    )
    asyncapi = record(
        "the arguments of an AsyncAPI call",
        {
            "document": resource,
            "channel": text,
            "operation": text,
            "server": _SERVER,
            "protocol": choice(*_PROTOCOLS),
            "message": _MESSAGE,
            "subscription": subscription,
            "authentication": authentication,
        },
        ("document",),
        exactly_one=[("operation", "channel"), ("message", "subscription")],
    )
    return {"asyncapi": asyncapi, "grpc": _GRPC, "http": _HTTP, "openapi": _OPENAPI, "a2a": _A2A, "mcp": _MCP}
