"""`call: http`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from maestro_workflow_engine.dsl._http import HttpRequest
from maestro_workflow_engine.dsl._uri import UriError, with_query
from maestro_workflow_engine.dsl.calls._authorization import credentials
from maestro_workflow_engine.dsl.calls._call import CallFault
from maestro_workflow_engine.dsl.calls._content import encode_body, output_of
from maestro_workflow_engine.dsl.calls._context import CallContext
from maestro_workflow_engine.dsl.calls._exchange import exchange, refused


async def perform(arguments: dict[str, Any], context: CallContext) -> Any:
    """Send the request; see `Perform`."""
    endpoint = arguments["endpoint"]
    uri = endpoint["uri"]
    if not isinstance(uri, str):
        raise CallFault("expression", f"the endpoint must be text, not {uri!r}")
    try:
        uri = with_query(uri, _mapping(arguments.get("query"), "query"))
    except UriError as error:
        raise CallFault("expression", str(error)) from None
    shown = await credentials(endpoint.get("authentication"), context)
    headers = texts(arguments.get("headers"), "headers")
    if shown is not None:
        headers = {name: value for name, value in headers.items() if name.lower() != "authorization"}
    headers, content = encode_body(headers, arguments.get("body"))
    follow = bool(arguments.get("redirect"))
    request = HttpRequest(str(arguments["method"]).upper(), uri, headers, content, follow)
    return await answered(request, shown, arguments, context)


async def answered(request: HttpRequest, shown: Any, arguments: Mapping[str, Any], context: CallContext) -> Any:
    """Send a request and make the output of its response.

    Args:
        request: The request.
        shown: The credentials, or None.
        arguments: The call's `output` and `redirect`.
        context: The call.

    Returns:
        The output.

    Raises:
        CallFault: No response, or one that is no success: 200 to 299, with `redirect` to 399.
    """
    response = await exchange(request, shown, context)
    if not 200 <= response.status < (400 if arguments.get("redirect") else 300):
        raise refused(request, response)
    return output_of(arguments.get("output") or "content", request, response)


def texts(value: Any, what: str) -> dict[str, str]:
    """Read headers and the like: null leaves one out, numbers and booleans are written as JSON has them."""
    return {str(name): text(item) for name, item in _mapping(value, what).items() if item is not None}


def text(value: Any) -> str:
    """Write a plain value as text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else str(value)


def _mapping(value: Any, what: str) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise CallFault("expression", f"the {what} must be a mapping, not {value!r}")
    return value
