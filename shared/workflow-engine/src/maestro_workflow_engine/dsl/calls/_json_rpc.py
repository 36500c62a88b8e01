"""JSON-RPC 2.0 over HTTP: one request, answered by one object or by a stream of events."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from maestro_workflow_engine.dsl._http import HttpRequest, HttpResponse
from maestro_workflow_engine.dsl.calls._authorization import Credentials
from maestro_workflow_engine.dsl.calls._call import CallFault
from maestro_workflow_engine.dsl.calls._context import CallContext
from maestro_workflow_engine.dsl.calls._exchange import exchange, header, refused
from maestro_workflow_engine.dsl.calls._server_sent import read_events

REQUEST_ID = 1


def message(
    method: str, parameters: Mapping[str, Any] | None, request_id: int | str | None = REQUEST_ID
) -> dict[str, Any]:
    """Make a request, or with None for an id, a notification."""
    made: dict[str, Any] = {"jsonrpc": "2.0", "method": method}
    if request_id is not None:
        made["id"] = request_id
    return made if parameters is None else {**made, "params": parameters}


async def post(
    url: str,
    content: Mapping[str, Any],
    headers: Mapping[str, str],
    shown: Credentials | None,
    context: CallContext,
) -> tuple[HttpResponse, list[dict[str, Any]]]:
    """Send a message.

    Args:
        url: Where to.
        content: The message.
        headers: Headers beside those of JSON.
        shown: The credentials.
        context: The call.

    Returns:
        The response, and the messages in it.

    Raises:
        CallFault: No response, no success, or no JSON: the standard error "communication".
    """
    sent = {"content-type": "application/json", "accept": "application/json, text/event-stream", **headers}
    request = HttpRequest("POST", url, sent, json.dumps(content).encode())
    response = await exchange(request, shown, context)
    if not 200 <= response.status < 300:
        raise refused(request, response)
    media = (header(response, "content-type") or "").partition(";")[0].strip().lower()
    try:
        text = response.content.decode("utf-8")
        found = (
            [json.loads(data) for data in read_events(text)]
            if media == "text/event-stream"
            else [json.loads(text)]
            if text
            else []
        )
    except ValueError:
        raise CallFault(
            "communication", f"POST {url} was answered with something that is no JSON-RPC message"
        ) from None
    return response, [each for each in found if isinstance(each, dict)]


def result_of(answer: Mapping[str, Any], method: str) -> Any:
    """Return the result in an answer.

    Raises:
        CallFault: It is an error: the standard error "runtime" (DSL 1.0.3, "A2A Call", "MCP Call").
    """
    if "error" in answer:
        error = answer["error"] if isinstance(answer["error"], Mapping) else {"message": answer["error"]}
        data = f" ({json.dumps(error['data'])})" if error.get("data") is not None else ""
        raise CallFault("runtime", f"{method} failed with {error.get('code')}: {error.get('message')}{data}")
    return answer.get("result")
