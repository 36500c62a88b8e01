"""An MCP server made with the official SDK, over stdio or streamable HTTP."""

from __future__ import annotations

import os
import sys
from typing import Any


def make() -> Any:
    try:
        from mcp.server.mcpserver import MCPServer as Server
    except ImportError:
        from mcp.server.fastmcp import FastMCP as Server

    server = Server("stand-in")

    @server.tool()
    def conversations_add_message(channel_id: str, thread_ts: str, payload: str, content_type: str) -> str:
        """Post a message."""
        return f"{channel_id} {thread_ts} {content_type} {payload} {os.environ.get('SLACK_MCP_XOXP_TOKEN')}"

    @server.tool()
    def environment() -> dict[str, str]:
        """Tell the environment."""
        return dict(os.environ)

    @server.tool()
    def fail() -> str:
        """Fail."""
        raise ValueError("on purpose")

    @server.prompt()
    def ask(topic: str) -> str:
        """Ask about a topic."""
        return f"What about {topic}?"

    @server.resource("note://today")
    def today() -> str:
        """Tell today's note."""
        return "a note"

    @server.resource("note://{day}")
    def note(day: str) -> str:
        """Tell a day's note."""
        return f"note of {day}"

    return server


if __name__ == "__main__":
    sys.stdout.write("a banner that is no message\n")
    sys.stdout.flush()
    sys.stderr.write("started\n")
    make().run("stdio")
