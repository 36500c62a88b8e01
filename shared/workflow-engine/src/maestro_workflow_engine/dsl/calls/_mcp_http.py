"""MCP over streamable HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from maestro_workflow_engine.dsl._http import HttpCallError, HttpRequest
from maestro_workflow_engine.dsl.calls._authorization import Credentials, credentials
from maestro_workflow_engine.dsl.calls._call import CallFault
from maestro_workflow_engine.dsl.calls._context import CallContext
from maestro_workflow_engine.dsl.calls._exchange import header
from maestro_workflow_engine.dsl.calls._http import texts
from maestro_workflow_engine.dsl.calls._json_rpc import message, post


class HttpSession:
    """A session with a server at an address; every message is a request of its own."""

    def __init__(self, transport: Mapping[str, Any], context: CallContext) -> None:
        self._endpoint = transport["endpoint"]
        self._headers = texts(transport.get("headers"), "headers")
        self._context = context
        self._shown: Credentials | None = None
        self._requests = 0
        self._is_in_session = False

    async def __aenter__(self) -> Self:
        if not isinstance(self._endpoint["uri"], str):
            raise CallFault("expression", f"the endpoint must be text, not {self._endpoint['uri']!r}")
        self._shown = await credentials(self._endpoint.get("authentication"), self._context)
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        if not self._is_in_session:
            return
        headers = dict(self._headers)
        if self._shown is not None and self._shown.scheme != "Digest":
            headers["authorization"] = self._shown.header
        try:  # a server that does not let clients end sessions answers 405; one that is gone needs no goodbye
            await self._context.http.call(HttpRequest("DELETE", self._endpoint["uri"], headers))
        except HttpCallError:
            return

    async def request(self, method: str, parameters: Mapping[str, Any] | None) -> dict[str, Any]:
        """Send a request; see `Session.request`."""
        self._requests += 1
        sent = message(method, parameters, self._requests)
        response, answers = await post(self._endpoint["uri"], sent, self._headers, self._shown, self._context)
        session = header(response, "mcp-session-id")
        if session is not None:
            self._headers["mcp-session-id"] = session
            self._is_in_session = True
        answer = next((each for each in answers if each.get("id") == self._requests and "method" not in each), None)
        if answer is None:
            raise CallFault("communication", f"the MCP server at {self._endpoint['uri']} did not answer {method}")
        return answer

    async def notify(self, method: str) -> None:
        """Send a notification; see `Session.notify`."""
        await post(self._endpoint["uri"], message(method, None, None), self._headers, self._shown, self._context)

    def agreed(self, protocol_version: str) -> None:
        """Name the version in every further request, as the protocol asks."""
        self._headers["mcp-protocol-version"] = protocol_version
