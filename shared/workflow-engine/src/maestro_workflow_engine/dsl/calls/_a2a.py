"""`call: a2a`: an agent, by JSON-RPC (Agent2Agent protocol 0.3, whose methods the specification names)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urljoin
from uuid import uuid4

from maestro_workflow_engine.dsl.calls._authorization import credentials
from maestro_workflow_engine.dsl.calls._call import CallFault
from maestro_workflow_engine.dsl.calls._context import CallContext
from maestro_workflow_engine.dsl.calls._json_rpc import message, post, result_of
from maestro_workflow_engine.dsl.calls._resources import fetch, parse

_STREAMED = frozenset({"message/stream", "tasks/resubscribe"})


async def perform(arguments: dict[str, Any], context: CallContext) -> Any:
    """Send the method to the agent; see `Perform`."""
    method = arguments["method"]
    parameters = arguments.get("parameters")
    if parameters is not None and not isinstance(parameters, Mapping):
        raise CallFault("expression", f"the parameters must be a mapping, not {parameters!r}")
    if method in {"message/send", "message/stream"}:
        parameters = _with_defaults(parameters or {})
    url, policy = await _agent(arguments, context)
    shown = await credentials(policy, context)
    _, answers = await post(url, message(method, parameters, str(uuid4())), {}, shown, context)
    if method in _STREAMED:
        return [result_of(answer, method) for answer in answers]
    if not answers:
        raise CallFault("communication", f"the agent at {url} answered {method} with nothing")
    return result_of(answers[-1], method)


def _with_defaults(parameters: Mapping[str, Any]) -> dict[str, Any]:
    sent = parameters.get("message")
    given = sent if isinstance(sent, Mapping) else {}
    return {**parameters, "message": {"kind": "message", "messageId": str(uuid4()), "role": "user", **given}}


async def _agent(arguments: Mapping[str, Any], context: CallContext) -> tuple[str, Any]:
    """Return the agent's address and the policy for it. An agent card comes before `server`, which is ignored then."""
    if "agentCard" not in arguments:
        server = arguments["server"]
        return server["uri"], server.get("authentication")
    place = arguments["agentCard"]
    card = parse(await fetch(place, context), place["uri"])
    url = _json_rpc_address(card) if isinstance(card, Mapping) else None
    if url is None:
        raise CallFault("communication", f"the agent card at {place['uri']} names no address that speaks JSON-RPC")
    return urljoin(place["uri"], url), place.get("authentication")


def _json_rpc_address(card: Mapping[str, Any]) -> str | None:
    if card.get("url") and str(card.get("preferredTransport", "JSONRPC")).upper() == "JSONRPC":
        return str(card["url"])
    for each in card.get("additionalInterfaces") or card.get("supportedInterfaces") or []:
        transport = each.get("transport") or each.get("protocolBinding")
        if str(transport).upper() == "JSONRPC" and each.get("url"):
            return str(each["url"])
    return None
