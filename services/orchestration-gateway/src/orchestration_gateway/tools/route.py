"""Where the MCP server stands in the application: `/mcp`, for callers with a token."""

from starlette.routing import Route
from starlette.types import Receive, Scope, Send


class McpEndpoint:
    """Hands requests to the server that the lifespan has opened."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        await scope["state"]["mcp"].handle(scope, receive, send)


def mcp_route() -> Route:
    """Return the route."""
    return Route("/mcp", endpoint=McpEndpoint(), methods=["GET", "POST", "DELETE"], include_in_schema=False)
