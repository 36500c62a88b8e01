"""AsyncAPI documents, 2.x and 3.x: which server and which address an operation means."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any
from urllib.parse import urlsplit

from maestro_workflow_engine.dsl.calls._call import CallFault
from maestro_workflow_engine.dsl.calls._context import CallContext
from maestro_workflow_engine.dsl.calls._http import text
from maestro_workflow_engine.dsl.calls._references import Document
from maestro_workflow_engine.dsl.calls._resources import fetch, parse

_VERSION = re.compile(r"[23]\.\d+(?:\.\d+.*)?")
_VARIABLE = re.compile(r"\{([^{}]+)\}")


@dataclass(frozen=True)
class Target:
    """Where messages go to, or come from."""

    protocol: str
    """As the document has it, in small letters."""
    url: str
    """The server's address, with a scheme."""
    address: str
    """The channel's address."""
    method: str | None = None
    """The HTTP method of the operation's binding; None when it names none."""
    content_type: str = "application/json"
    """How payloads are written."""
    correlation: str | None = None
    """Where a message's correlation id is, such as "$message.header#/correlationId"; None when the document does not say."""


async def find_target(arguments: Mapping[str, Any], context: CallContext) -> Target:
    """Find out what an operation means.

    Args:
        arguments: The call's `document`, `operation` or `channel`, `server` and `protocol`.
        context: The call.

    Returns:
        The target.

    Raises:
        CallFault: The document cannot be had or is of an unknown version, or there is no such operation, channel or server.
    """
    endpoint = arguments["document"]
    uri, policy = endpoint["uri"], endpoint.get("authentication")
    root = parse(await fetch(endpoint, context), uri)
    version = str(root.get("asyncapi") or "") if isinstance(root, dict) else ""
    if not _VERSION.fullmatch(version):
        told = f"is of AsyncAPI version {version}" if version else "is no AsyncAPI document"
        raise CallFault("communication", f"{uri} {told}; understood are 2.x and 3.x")
    document = Document(uri, root, policy, context)
    found = await (_find_2 if version.startswith("2") else _find_3)(document, arguments)
    name, server, channel, operation, address = found
    variables = {**_defaults(server), **((arguments.get("server") or {}).get("variables") or {})}
    message = await _message(document, channel, operation)
    correlation, _ = await document.follow(message.get("correlationId") or {})
    bindings = (operation.get("bindings") or {}).get("http") or {}
    return Target(
        protocol=str(server.get("protocol", "")).lower(),
        url=_url(name, server, variables),
        address=_filled(address, {**_defaults(channel, "parameters"), **variables}, f"the address {address!r}"),
        method=bindings.get("method"),
        content_type=str(message.get("contentType") or root.get("defaultContentType") or "application/json"),
        correlation=correlation.get("location") if isinstance(correlation, Mapping) else None,
    )


Found = tuple[str, Mapping[str, Any], Mapping[str, Any], Mapping[str, Any], str]


async def _find_2(document: Document, arguments: Mapping[str, Any]) -> Found:
    """Version 2: a channel is an address, with `publish` and `subscribe` below it."""
    channels: Mapping[str, Any] = document.root.get("channels") or {}
    verb = "publish" if arguments.get("message") is not None else "subscribe"
    wanted, names = arguments.get("channel"), []
    for name, raw in channels.items():
        channel, _ = await document.follow(raw)
        for each in ("publish", "subscribe"):
            operation = (await document.follow(channel.get(each) or {}))[0]
            names.append(str(operation.get("operationId", "")))
            is_meant = (
                each == verb
                if wanted == name
                else wanted is None and operation.get("operationId") == arguments["operation"]
            )
            if is_meant:
                server = await _server(document, arguments, channel.get("servers"))
                return *server, channel, operation, name
    if wanted is not None:
        raise CallFault("configuration", f"{document.uri} has no channel {wanted!r}; {_hint(wanted, channels)}")
    raise CallFault(
        "configuration",
        f"{document.uri} has no operation {arguments['operation']!r}; {_hint(arguments['operation'], names)}",
    )


async def _find_3(document: Document, arguments: Mapping[str, Any]) -> Found:
    """Version 3: an operation refers to a channel, which may say on which servers it is."""
    operations: Mapping[str, Any] = document.root.get("operations") or {}
    channels: Mapping[str, Any] = document.root.get("channels") or {}
    operation: Mapping[str, Any] = {}
    if arguments.get("operation") is not None:
        name = arguments["operation"]
        if name not in operations:
            raise CallFault("configuration", f"{document.uri} has no operation {name!r}; {_hint(name, operations)}")
        operation, _ = await document.follow(operations[name])
        reference = operation.get("channel") or {}
        channel, _ = await document.follow(reference)
        name = str(reference.get("$ref", "")).rpartition("/")[2].replace("~1", "/").replace("~0", "~")
    else:
        name = arguments["channel"]
        if name not in channels:
            raise CallFault("configuration", f"{document.uri} has no channel {name!r}; {_hint(name, channels)}")
        channel, _ = await document.follow(channels[name])
    allowed = [str(each.get("$ref", "")).rpartition("/")[2] for each in channel.get("servers") or []]
    server = await _server(document, arguments, allowed)
    return *server, channel, operation, str(channel.get("address") or name)


async def _server(document: Document, arguments: Mapping[str, Any], allowed: Any) -> tuple[str, Mapping[str, Any]]:
    """Choose a server: the one named, or else the first of the channel with the protocol that is wanted."""
    servers: Mapping[str, Any] = document.root.get("servers") or {}
    named = (arguments.get("server") or {}).get("name")
    if named is not None:
        if named not in servers:
            raise CallFault("configuration", f"{document.uri} has no server {named!r}; {_hint(named, servers)}")
        return named, (await document.follow(servers[named]))[0]
    protocol = arguments.get("protocol")
    for name, raw in servers.items():
        server, _ = await document.follow(raw)
        if allowed and name not in allowed:
            continue
        if protocol in {None, str(server.get("protocol", "")).lower()} or (
            protocol in {"http", "ws"} and str(server.get("protocol", "")).lower() == f"{protocol}s"
        ):
            return name, server
    wanted = f" with the protocol {protocol}" if protocol else ""
    raise CallFault("configuration", f"{document.uri} has no server{wanted} for this channel")


async def _message(document: Document, channel: Mapping[str, Any], operation: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the description of the operation's messages, the first where there are several."""
    found: Any = operation.get("message") or next(iter(operation.get("messages") or []), None)
    if found is None:
        found = next(iter((channel.get("messages") or {}).values()), {})
    message, _ = await document.follow(found)
    if isinstance(message, Mapping) and message.get("oneOf"):
        message, _ = await document.follow(message["oneOf"][0])
    return message if isinstance(message, Mapping) else {}


def _url(name: str, server: Mapping[str, Any], variables: Mapping[str, Any]) -> str:
    whole = str(server.get("url") or f"{server.get('host', '')}{server.get('pathname') or ''}")
    whole = _filled(whole, variables, f"the server {name!r}")
    return (
        whole if urlsplit(whole).scheme and "://" in whole else f"{str(server.get('protocol', '')).lower()}://{whole}"
    )


def _defaults(part: Mapping[str, Any], field: str = "variables") -> dict[str, Any]:
    named = part.get(field) or {}
    return {
        name: each.get("default") or each.get("schema", {}).get("default")
        for name, each in named.items()
        if isinstance(each, Mapping) and (each.get("default") or each.get("schema", {}).get("default"))
    }


def _filled(template: str, variables: Mapping[str, Any], what: str) -> str:
    def value(match: re.Match[str]) -> str:
        if match[1] not in variables:
            raise CallFault("configuration", f"{what} needs {match[1]!r}: give it under server.variables")
        return text(variables[match[1]])

    return _VARIABLE.sub(value, template)


def _hint(name: str, known: Any) -> str:
    names = [each for each in known if each]
    close = get_close_matches(str(name), names, n=1)
    return f"did you mean {close[0]!r}?" if close else f"there are {', '.join(names) or 'none'}"
