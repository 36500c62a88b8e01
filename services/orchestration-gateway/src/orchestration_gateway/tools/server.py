"""The MCP server: tools over streamable HTTP."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

import mcp_types as types
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel.server import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from starlette.requests import Request

from maestro_core_api import APIException, ForbiddenException, Principal, current_principal
from maestro_core_logging import get_logger

from .calls import ToolCalls, ToolError

_logger = get_logger(__name__)
_RUN_ID: Final[dict[str, Any]] = {"type": "string", "description": "The run, as a tool returned it.", "maxLength": 400}
_INSTRUCTIONS: Final = (
    "Each tool runs a workflow. A run that takes long is returned with its run_id: maestro_run_result waits for it, "
    "maestro_run_status looks at it, maestro_cancel_run stops it."
)
_OF_RUNS: Final = (
    types.Tool(
        name="maestro_run_status",
        title="Status of a run",
        description="Tell how a run stands, without waiting.",
        input_schema={"type": "object", "properties": {"run_id": _RUN_ID}, "required": ["run_id"]},
        annotations=types.ToolAnnotations(read_only_hint=True, open_world_hint=False),
    ),
    types.Tool(
        name="maestro_run_result",
        title="Result of a run",
        description="Wait for a run, and return its result or that it goes on.",
        input_schema={"type": "object", "properties": {"run_id": _RUN_ID}, "required": ["run_id"]},
        annotations=types.ToolAnnotations(read_only_hint=True, open_world_hint=False),
    ),
    types.Tool(
        name="maestro_cancel_run",
        title="Cancel a run",
        description="Ask a run to stop; it may still clean up.",
        input_schema={
            "type": "object",
            "properties": {"run_id": _RUN_ID, "reason": {"type": "string", "maxLength": 500}},
            "required": ["run_id"],
        },
        annotations=types.ToolAnnotations(read_only_hint=False, destructive_hint=True, idempotent_hint=True),
    ),
)


class ToolServer:
    """Speaks the Model Context Protocol. Use `opened`.

    Args:
        calls: What the tools do.
        version: The service's version.
    """

    def __init__(self, calls: ToolCalls, version: str) -> None:
        self._calls = calls
        server: Server[Any] = Server(
            "maestro",
            version=version,
            title="MAESTRO workflows",
            instructions=_INSTRUCTIONS,
            on_list_tools=self._list,
            on_call_tool=self._call,
        )
        # Without sessions: any process, and the one after a restart, serves any request.
        self._manager = StreamableHTTPSessionManager(server, stateless=True)

    @classmethod
    @asynccontextmanager
    async def opened(cls, calls: ToolCalls, version: str) -> AsyncIterator["ToolServer"]:
        """Serve while the block runs."""
        tools = cls(calls, version)
        async with tools._manager.run():
            yield tools

    async def handle(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve a request of the protocol."""
        await self._manager.handle_request(scope, receive, send)

    async def _list(
        self, context: ServerRequestContext[Any], params: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        caller = await _caller(context)
        if not caller.has_role("viewer"):
            return types.ListToolsResult(tools=[])
        try:
            known = await self._calls.tools()
        except ToolError as error:
            _logger.warning("Tools cannot be listed in full", reason=str(error))
            return types.ListToolsResult(tools=list(_OF_RUNS))
        tools = [
            types.Tool(
                name=tool.name,
                title=tool.title,
                description=tool.description,
                input_schema=dict(tool.input_schema),
                annotations=types.ToolAnnotations(read_only_hint=False, open_world_hint=True),
            )
            for tool in known.values()
        ]
        return types.ListToolsResult(tools=[*tools, *_OF_RUNS])

    async def _call(
        self, context: ServerRequestContext[Any], params: types.CallToolRequestParams
    ) -> types.CallToolResult:
        async def progress(count: float, message: str) -> None:
            await context.session.report_progress(count, message=message)

        try:
            found = await self._done(params.name, params.arguments or {}, await _caller(context), progress)
        except ToolError as error:
            return _failed(str(error))
        except APIException as error:
            return _failed(f"{error.error_code}: {error}", error.extra)
        failed = found["status"] in {"failed", "cancelled", "terminated"}
        text = types.TextContent(type="text", text=json.dumps(found, ensure_ascii=False))
        return types.CallToolResult(content=[text], structured_content=found, is_error=failed)

    async def _done(self, name: str, arguments: Mapping[str, Any], caller: Principal, progress: Any) -> dict[str, Any]:
        if name not in {tool.name for tool in _OF_RUNS}:
            return await self._calls.run(name, arguments, caller, progress)
        if not caller.has_role("viewer"):
            raise ForbiddenException("A role is missing", error_code="ROLE_REQUIRED", rule="role:viewer")
        run_id = arguments.get("run_id")
        if not isinstance(run_id, str) or not 0 < len(run_id) <= 400:
            raise ToolError("run_id must be the id of a run, as a tool returned it")
        if name == "maestro_run_status":
            return await self._calls.status(run_id, caller)
        if name == "maestro_run_result":
            return await self._calls.result(run_id, caller, progress)
        return await self._calls.cancel(run_id, str(arguments.get("reason") or "cancelled by a tool")[:500], caller)


async def _caller(context: ServerRequestContext[Any]) -> Principal:
    request = context.request
    assert isinstance(request, Request)  # the transport is HTTP, behind the service's own authentication
    return await current_principal(request)


def _failed(message: str, extra: Mapping[str, Any] | None = None) -> types.CallToolResult:
    told = {name: value for name, value in (extra or {}).items() if name in {"rule", "limit", "retry_after"}}
    text = message if not told else f"{message} {json.dumps(told)}"
    return types.CallToolResult(content=[types.TextContent(type="text", text=text)], is_error=True)
