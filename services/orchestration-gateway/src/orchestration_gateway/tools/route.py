"""Where the MCP server stands in the application: `/mcp`, for callers with a token."""

import asyncio
import importlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from .calls import ToolCalls


class ToolsOnDemand:
    """The MCP server, from the first request on: what it stands on takes a second to import. Use `at_work`.

    Args:
        calls: What the tools do.
        version: The service's version.
    """

    def __init__(self, calls: ToolCalls, version: str) -> None:
        self._calls = calls
        self._version = version
        self._starting = asyncio.Lock()
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._server: Any = None

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator["ToolsOnDemand"]:
        """Serve while the block runs."""
        try:
            yield self
        finally:
            self._stopping.set()
            if self._task is not None:
                await self._task

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request of the protocol."""
        async with self._starting:
            if self._server is None:
                module = await asyncio.to_thread(importlib.import_module, "orchestration_gateway.tools.server")
                ready = asyncio.Event()
                # In a task of its own: the server's tasks belong to whoever has opened it, and requests end.
                self._task = asyncio.create_task(self._serve(module.ToolServer, ready), name="tools")
                await ready.wait()
        await self._server.handle(scope, receive, send)

    async def _serve(self, server: Any, ready: asyncio.Event) -> None:
        async with server.opened(self._calls, self._version) as self._server:
            ready.set()
            await self._stopping.wait()


class McpEndpoint:
    """Hands requests to the server that the lifespan has opened."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        await scope["state"]["mcp"].handle(scope, receive, send)


def mcp_route() -> Route:
    """Return the route."""
    return Route("/mcp", endpoint=McpEndpoint(), methods=["GET", "POST", "DELETE"], include_in_schema=False)
