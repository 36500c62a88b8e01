"""MCP over the standard streams of a process that lives as long as the call."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Mapping
from typing import Any, Self

from maestro_core_config import inherited_environment
from maestro_workflow_engine.dsl.calls._call import CallFault
from maestro_workflow_engine.dsl.calls._http import text, texts
from maestro_workflow_engine.dsl.calls._json_rpc import message

_LONGEST_LINE_BYTES = 64 * 1024 * 1024
_GRACE_S = 2.0
_EXCERPT = 500


class StdioSession:
    """A session with a process. It gets the given environment, and of ours only what programs need to start."""

    def __init__(self, transport: Mapping[str, Any]) -> None:
        self._command = [text(transport["command"]), *map(text, transport.get("arguments") or [])]
        self._environment = texts(transport.get("environment"), "environment")
        self._process: asyncio.subprocess.Process | None = None
        self._errors: asyncio.Task[bytes] | None = None
        self._requests = 0

    async def __aenter__(self) -> Self:
        pipe = asyncio.subprocess.PIPE
        try:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=pipe,
                stdout=pipe,
                stderr=pipe,
                env={**inherited_environment(), **self._environment},
                limit=_LONGEST_LINE_BYTES,
            )
        except (OSError, ValueError) as error:
            raise CallFault(
                "communication", f"the MCP server {self._command[0]!r} cannot be started: {error}"
            ) from None
        assert self._process.stderr is not None  # a pipe was asked for
        self._errors = asyncio.create_task(_tail(self._process.stderr))
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        process, errors = self._process, self._errors
        assert process is not None  # entered
        assert process.stdin is not None  # as above
        process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), _GRACE_S)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            try:
                await asyncio.wait_for(process.wait(), _GRACE_S)
            except TimeoutError:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
            await process.wait()
            if errors is not None:
                errors.cancel()
                await asyncio.gather(errors, return_exceptions=True)

    async def request(self, method: str, parameters: Mapping[str, Any] | None) -> dict[str, Any]:
        """Send a request; see `Session.request`. What the server asks meanwhile is declined, but for pings."""
        self._requests += 1
        await self._write(message(method, parameters, self._requests), method)
        while True:
            received = await self._read(method)
            if received.get("id") == self._requests and "method" not in received:
                return received
            if "method" in received and "id" in received:
                answer: dict[str, Any] = {"jsonrpc": "2.0", "id": received["id"]}
                declined = {"code": -32601, "message": "not offered by this client"}
                await self._write(
                    answer | ({"result": {}} if received["method"] == "ping" else {"error": declined}), method
                )

    async def notify(self, method: str) -> None:
        """Send a notification; see `Session.notify`."""
        await self._write(message(method, None, None), method)

    def agreed(self, protocol_version: str) -> None:
        """Take note of the version: nothing depends on it here."""

    async def _write(self, sent: Mapping[str, Any], method: str) -> None:
        assert self._process is not None  # entered
        assert self._process.stdin is not None  # as above
        try:
            self._process.stdin.write(json.dumps(sent).encode() + b"\n")
            await self._process.stdin.drain()
        except ConnectionError:
            raise await self._ended(method) from None

    async def _read(self, method: str) -> dict[str, Any]:
        assert self._process is not None  # entered
        assert self._process.stdout is not None  # as above
        while True:
            try:
                line = await self._process.stdout.readline()
            except ValueError:
                raise CallFault("communication", f"the MCP server's answer to {method} is longer than 64 MiB") from None
            if not line:
                raise await self._ended(method)
            try:
                received = json.loads(line)
            except ValueError:
                continue  # a server must write nothing else here; some write a banner
            if isinstance(received, dict):
                return received

    async def _ended(self, method: str) -> CallFault:
        assert self._process is not None  # entered
        assert self._errors is not None  # as above
        try:
            code = await asyncio.wait_for(self._process.wait(), _GRACE_S)
        except TimeoutError:
            return CallFault(
                "communication", f"the MCP server {self._command[0]!r} closed its output before it answered {method}"
            )
        told = (await self._errors).decode("utf-8", "replace").strip()[-_EXCERPT:]
        problem = f"the MCP server {self._command[0]!r} ended with code {code} before it answered {method}"
        return CallFault("communication", f"{problem}: {told}" if told else problem)


async def _tail(stream: asyncio.StreamReader) -> bytes:
    """Read a stream to its end, so that it never fills, and keep what came last."""
    kept = b""
    while piece := await stream.read(65536):
        kept = (kept + piece)[-4 * _EXCERPT :]
    return kept
