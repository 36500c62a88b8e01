"""External resources: documents that a call needs, from an address or a file."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from maestro_workflow_engine.dsl._http import HttpRequest
from maestro_workflow_engine.dsl.calls._authorization import credentials
from maestro_workflow_engine.dsl.calls._call import CallFault
from maestro_workflow_engine.dsl.calls._context import CallContext
from maestro_workflow_engine.dsl.calls._exchange import exchange, refused


async def fetch(endpoint: Mapping[str, Any], context: CallContext) -> bytes:
    """Get a resource.

    Args:
        endpoint: Its `uri` (http, https, file, or whatever the HTTP caller knows) and perhaps an `authentication` policy.
        context: The call. What needs no authentication is kept for some minutes.

    Returns:
        Its bytes.

    Raises:
        CallFault: It cannot be had: the standard error "communication", with the response's status.
    """
    uri, policy = endpoint["uri"], endpoint.get("authentication")
    if not isinstance(uri, str):
        raise CallFault("expression", f"a resource's address must be text, not {uri!r}")
    if urlsplit(uri).scheme in {"", "file"}:
        return await asyncio.to_thread(_read, uri)
    known: bytes | None = None if policy else context.shared.documents.get(uri)
    if known is not None:
        return known
    request = HttpRequest("GET", uri, follow_redirects=True)
    response = await exchange(request, await credentials(policy, context), context)
    if not 200 <= response.status < 300:
        raise refused(request, response)
    if not policy:
        context.shared.documents.put(uri, response.content)
    return response.content


def parse(content: bytes, uri: str) -> Any:
    """Read JSON or YAML 1.2.

    Args:
        content: The text, UTF-8.
        uri: Where it came from, for messages.

    Returns:
        Its value.

    Raises:
        CallFault: It is neither: the standard error "communication".
    """
    try:
        text = content.decode("utf-8-sig")
        if text.lstrip()[:1] in {"{", "["}:
            try:
                return json.loads(text)
            except ValueError:
                pass  # a YAML document may begin like JSON
        return YAML(typ="safe", pure=True).load(io.StringIO(text))
    except (UnicodeDecodeError, YAMLError, RecursionError) as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise CallFault("communication", f"{uri} is neither JSON nor YAML: {reason}") from None


def _read(uri: str) -> bytes:
    """Read a file. `file://app/greet.proto` is meant as a relative path, as the specification's examples write it."""
    parts = urlsplit(uri)
    name = unquote(parts.path) if parts.scheme == "file" else uri
    if parts.scheme == "file" and parts.netloc not in {"", "localhost"}:
        name = f"{parts.netloc}{name}"
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise CallFault("communication", f"{uri} cannot be read: {error.strerror}", status=404) from None
