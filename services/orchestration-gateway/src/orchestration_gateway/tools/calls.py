"""Calling tools: a run is started, waited for with progress, and handed over as a handle when it takes long."""

import asyncio
import json
import uuid
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from maestro_core_api import APIException, ForbiddenException, Principal
from orchestration_gateway.live.access import require_visible
from orchestration_gateway.live.feed import FROM_THE_START, LaggedError
from orchestration_gateway.triggers.errors import StartFailedError

from .catalog import WorkflowTool, workflow_tools

Progress = Callable[[float, str], Awaitable[None]]
"""Told how many events there were, and what the latest is."""
_KEEP_S: Final = 5.0
_STEPS: Final = frozenset(
    {"step_completed", "step_failed", "run_started", "child_completed", "timer_fired", "signal_received"}
)
_MOST_AT_ONCE: Final = 10


class ToolError(Exception):
    """A tool cannot do what it was asked; the message is for whoever called it."""


class ToolCalls:
    """The tools there are, and what they do.

    Args:
        state: What the lifespan has opened.
    """

    def __init__(self, state: Mapping[str, Any]) -> None:
        self._state = _Attributes(state)
        self._known: dict[str, WorkflowTool] = {}
        self._documents: dict[tuple[str, str, str], Mapping[str, Any]] = {}
        self._read_at = float("-inf")
        self._reading = asyncio.Lock()

    async def tools(self) -> Mapping[str, WorkflowTool]:
        """Return the tools of the workflows that are registered.

        Raises:
            ToolError: The orchestrator cannot be asked.
        """
        async with self._reading:
            now = asyncio.get_running_loop().time()
            if now - self._read_at > _KEEP_S:
                try:
                    self._known = workflow_tools(await self._definitions())
                except APIException as error:
                    raise ToolError(f"the orchestrator does not say which workflows there are: {error}") from error
                self._read_at = now
        return self._known

    async def _definitions(self) -> list[Mapping[str, Any]]:
        found = [each for each in await self._state.orchestrator.workflows() if each["latest"]]
        keys = [(each["namespace"], each["name"], each["version"]) for each in found]
        # A version's document never changes.
        self._documents = {key: self._documents[key] for key in keys if key in self._documents}
        missing = [
            key
            for each, key in zip(found, keys, strict=True)
            if each["kind"] == "document" and key not in self._documents
        ]
        places = asyncio.Semaphore(_MOST_AT_ONCE)

        async def read(key: tuple[str, str, str]) -> None:
            async with places:
                self._documents[key] = (await self._state.orchestrator.workflow(*key)).get("document") or {}

        await asyncio.gather(*map(read, missing))
        return [{**each, "document": self._documents.get(key)} for each, key in zip(found, keys, strict=True)]

    async def run(
        self, name: str, arguments: Mapping[str, Any], caller: Principal, progress: Progress
    ) -> dict[str, Any]:
        """Start a workflow's run, and wait for it as long as tools do.

        Args:
            name: The tool.
            arguments: Its arguments.
            caller: Who calls.
            progress: Told of what happens.

        Returns:
            `{run_id, status, output?, error?}`; a run that goes on has a `hint` of what to call next.

        Raises:
            ToolError: There is no such tool, or the run could not be started.
            APIException: The caller may not, or not so often.
        """
        _require_operator(caller)
        tool = (await self.tools()).get(name)
        if tool is None:
            raise ToolError(f"there is no tool {name!r}; list the tools anew")
        await self._state.quotas.admit_start(caller.tenant)
        run_id = f"tool.{uuid.uuid4().hex}"
        attributes = {"tool": name} if caller.tenant is None else {"tool": name, "tenant": caller.tenant}
        options = {"attributes": attributes}
        try:
            await self._state.orchestrator.start(tool.workflow, tool.payload(arguments), run_id=run_id, options=options)
        except StartFailedError as error:
            raise ToolError(f"{error.error_code}: {error}") from error
        return await self._waited(run_id, progress, self._state.config.tool_wait_s)

    async def result(self, run_id: str, caller: Principal, progress: Progress) -> dict[str, Any]:
        """Wait for a run as long as tools do; see `run`."""
        await self._check(run_id, caller)
        return await self._waited(run_id, progress, self._state.config.tool_wait_s)

    async def status(self, run_id: str, caller: Principal) -> dict[str, Any]:
        """Tell how a run stands; see `run`."""
        await self._check(run_id, caller)
        return await self._shown(run_id)

    async def cancel(self, run_id: str, reason: str, caller: Principal) -> dict[str, Any]:
        """Ask a run to stop; see `run`."""
        _require_operator(caller)
        await self._check(run_id, caller)
        try:
            await self._state.orchestrator.cancel(run_id, reason)
        except APIException as error:
            raise ToolError(str(error)) from error
        return await self._shown(run_id)

    async def _check(self, run_id: str, caller: Principal) -> None:
        try:
            await require_visible(run_id, caller, self._state)
        except APIException as error:
            raise ToolError(str(error)) from error

    async def _waited(self, run_id: str, progress: Progress, patience_s: float) -> dict[str, Any]:
        count = 0
        try:
            async with asyncio.timeout(patience_s):
                async for portion in self._state.hub.events(run_id, after=FROM_THE_START):
                    for event in portion:
                        count += 1
                        await progress(float(count), _told(event.type, event.data))
        except (TimeoutError, LaggedError, APIException):
            pass  # what there is is told below
        return await self._shown(run_id)

    async def _shown(self, run_id: str) -> dict[str, Any]:
        try:
            run = await self._state.orchestrator.run(run_id)
        except APIException as error:
            return {
                "run_id": run_id,
                "status": "unknown",
                "hint": f"the orchestrator cannot be asked now ({error.error_code}); call maestro_run_status later",
            }
        shown = {"run_id": run_id, "workflow": run["workflow"], "status": run["status"]}
        if run["finished_at"] is None:
            waiting = [f"{wait['kind']} {wait['name'] or ''}".strip() for wait in run["waiting_for"]]
            return {
                **shown,
                "waiting_for": waiting,
                "hint": "it goes on; call maestro_run_result with this run_id to wait for it, or maestro_cancel_run",
            }
        if run["status"] == "completed":
            return {**shown, "output": run["output"]}
        failure = run["error"]
        told = None if failure is None else {"type": failure["type"], "message": failure["message"]}
        return {**shown, "error": told}


class _Attributes:
    """The lifespan's state, by attribute as requests have it."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    def __getattr__(self, name: str) -> Any:
        return self._values[name]


def _require_operator(caller: Principal) -> None:
    if not caller.has_role("operator"):
        raise ForbiddenException("A role is missing", error_code="ROLE_REQUIRED", rule="role:operator")


def _told(kind: str, data: str) -> str:
    name = json.loads(data).get("name") if kind in _STEPS else None
    return f"{kind} {name}" if name else kind
