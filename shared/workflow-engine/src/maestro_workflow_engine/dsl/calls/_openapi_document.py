"""OpenAPI documents, 2.0 to 3.2: finding an operation, following references, and where its server is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any
from urllib.parse import urljoin, urlsplit

from maestro_workflow_engine.dsl.calls._call import CallFault
from maestro_workflow_engine.dsl.calls._context import CallContext
from maestro_workflow_engine.dsl.calls._references import Document
from maestro_workflow_engine.dsl.calls._resources import fetch, parse

_METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace", "query")
_VERSION = re.compile(r"3\.[0-2](?:\.\d+.*)?|2\.0")


@dataclass(frozen=True)
class Operation:
    """An operation of a document."""

    method: str
    path: str
    definition: Mapping[str, Any]
    parameters: list[Mapping[str, Any]]
    """Those of the path and of the operation; the operation's come over the path's."""
    servers: list[Mapping[str, Any]]
    base: str
    """The address of the document that the path stands in."""


async def open_document(endpoint: Mapping[str, Any], context: CallContext) -> Document:
    """Fetch a document.

    Raises:
        CallFault: It cannot be had, or is no OpenAPI document of a known version.
    """
    uri, policy = endpoint["uri"], endpoint.get("authentication")
    content = await fetch(endpoint, context)
    root = None if policy else context.shared.compiled.get(("openapi", uri))
    if root is None:
        root = parse(content, uri)
        version = str(root.get("openapi") or root.get("swagger") or "") if isinstance(root, dict) else ""
        if not _VERSION.fullmatch(version):
            told = f"is of version {version}" if version else "says no version"
            raise CallFault("communication", f"{uri} {told}; understood are Swagger 2.0 and OpenAPI 3.0 to 3.2")
        if not policy:
            context.shared.compiled.put(("openapi", uri), root)
    own = root.get("$self")
    return Document(urljoin(uri, own) if isinstance(own, str) else uri, root, policy, context)


def is_swagger(document: Document) -> bool:
    """Tell whether a document is of version 2.0."""
    return "swagger" in document.root


async def find_operation(document: Document, name: str) -> Operation:
    """Find an operation by its id.

    Raises:
        CallFault: There is none: the standard error "configuration", with the nearest name.
    """
    known: list[str] = []
    for path, raw in (document.root.get("paths") or {}).items():
        item, base = await document.follow(raw)
        if not isinstance(item, Mapping):
            continue
        methods = {method: item.get(method) for method in _METHODS} | dict(item.get("additionalOperations") or {})
        for method, definition in methods.items():
            if not isinstance(definition, Mapping):
                continue
            if definition.get("operationId") != name:
                known.append(str(definition.get("operationId")))
                continue
            shared = [(await document.follow(each, base))[0] for each in item.get("parameters") or []]
            own = [(await document.follow(each, base))[0] for each in definition.get("parameters") or []]
            parameters = {(each.get("in"), each.get("name")): each for each in [*shared, *own]}
            servers = definition.get("servers") or item.get("servers") or document.root.get("servers") or []
            return Operation(method.upper(), path, definition, list(parameters.values()), list(servers), base)
    close = get_close_matches(name, known, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else f" (there are {', '.join(sorted(known)[:20])})"
    raise CallFault("configuration", f"{document.uri} has no operation {name!r}{hint}")


def server_of(document: Document, operation: Operation) -> str:
    """Return the address that the operation's path is added to, without a slash at its end.

    Raises:
        CallFault: There is none, as in a file that names no server: the standard error "configuration".
    """
    address = _server_of(document, operation)
    if not urlsplit(address).netloc:
        raise CallFault("configuration", f"{document.uri} names no server, and is none itself")
    return address


def _server_of(document: Document, operation: Operation) -> str:
    if is_swagger(document):
        place = urlsplit(document.uri)
        schemes = operation.definition.get("schemes") or document.root.get("schemes") or [place.scheme]
        scheme = "https" if "https" in schemes else schemes[0]
        host = document.root.get("host") or place.netloc
        return f"{scheme}://{host}{document.root.get('basePath') or ''}".rstrip("/")
    if not operation.servers:
        return urljoin(document.uri, "/").rstrip("/")
    server = operation.servers[0]
    url = str(server.get("url") or "/")
    for name, variable in (server.get("variables") or {}).items():
        url = url.replace(f"{{{name}}}", str(variable.get("default", "")))
    return urljoin(document.uri, url).rstrip("/")
