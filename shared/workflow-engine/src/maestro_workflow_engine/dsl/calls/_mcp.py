"""`call: mcp`: one request to a Model Context Protocol server, between `initialize` and goodbye."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any, Protocol

from maestro_workflow_engine.dsl.calls._call import CallFault
from maestro_workflow_engine.dsl.calls._context import CallContext
from maestro_workflow_engine.dsl.calls._json_rpc import result_of
from maestro_workflow_engine.dsl.calls._mcp_http import HttpSession
from maestro_workflow_engine.dsl.calls._mcp_stdio import StdioSession


class Session(Protocol):
    """A connection to a server."""

    async def request(self, method: str, parameters: Mapping[str, Any] | None) -> dict[str, Any]:
        """Send a request and return its answer: a JSON-RPC message with `result` or `error`."""

    async def notify(self, method: str) -> None:
        """Send a notification."""

    def agreed(self, protocol_version: str) -> None:
        """Take note of the version that the server chose."""


async def perform(arguments: dict[str, Any], context: CallContext) -> Any:
    """Call the method; see `Perform`."""
    transport = arguments["transport"]
    parameters = arguments.get("parameters")
    if parameters is not None and not isinstance(parameters, Mapping):
        raise CallFault("expression", f"the parameters must be a mapping, not {parameters!r}")
    if "stdio" in transport:
        async with StdioSession(transport["stdio"]) as stdio:
            return await _converse(stdio, arguments, parameters)
    async with HttpSession(transport["http"], context) as http:
        return await _converse(http, arguments, parameters)


async def _converse(session: Session, arguments: Mapping[str, Any], parameters: Mapping[str, Any] | None) -> Any:
    client = arguments.get("client") or {"name": "maestro", "version": version("maestro-workflow-engine")}
    hello = {"protocolVersion": arguments["protocolVersion"], "capabilities": {}, "clientInfo": client}
    agreed = result_of(await session.request("initialize", hello), "initialize")
    chosen = agreed.get("protocolVersion") if isinstance(agreed, Mapping) else None
    if not isinstance(chosen, str):
        raise CallFault("communication", "the MCP server answered initialize without a protocolVersion")
    session.agreed(chosen)
    await session.notify("notifications/initialized")
    method = arguments["method"]
    return result_of(await session.request(method, parameters), method)
