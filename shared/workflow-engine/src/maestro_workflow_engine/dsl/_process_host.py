"""The step behind `run`: starts what the host allows, and waits for it or does not."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Coroutine
from datetime import timedelta
from pathlib import Path
from typing import Any

from maestro_workflow_engine._definitions import StepDefinition
from maestro_workflow_engine.dsl._containers import FAILED, Container, remove_expired
from maestro_workflow_engine.dsl._masking import Mask
from maestro_workflow_engine.dsl._process_group import Finished, OutputLimitError, ProcessGroup
from maestro_workflow_engine.dsl._process_options import ProcessOptions
from maestro_workflow_engine.dsl._process_request import ProcessOutcome, ProcessRequest
from maestro_workflow_engine.dsl._process_secrets import completed, masked
from maestro_workflow_engine.dsl._scripts import NoProgramError, script_command, shell_command
from maestro_workflow_engine.dsl.calls._call import CallFault
from maestro_workflow_engine.dsl.calls._context import Shared

ProcessStep = StepDefinition[[ProcessRequest], ProcessOutcome]


class ProcessHost:
    """Runs processes for documents.

    Args:
        options: What is allowed, and the bounds. Default: nothing is allowed.
        shared: Where secrets come from. Default: there are none.

    Attributes:
        options: What is allowed, and the bounds.
        step: The step, named "run". It is never retried by itself: documents say `try` and `retry`.
    """

    def __init__(self, options: ProcessOptions | None = None, shared: Shared | None = None) -> None:
        self.options = options or ProcessOptions()
        self._shared = shared
        self.step: ProcessStep = StepDefinition(self._run, name="run")
        self._unwatched: set[asyncio.Task[object]] = set()

    def refusal(self, kind: str) -> str | None:
        """Say why a kind of process may not run here; None when it may."""
        return self.options.refusal(kind)

    async def _run(self, request: ProcessRequest) -> ProcessOutcome:
        refusal = self.refusal(request.kind)
        if refusal is not None:
            return ProcessOutcome(error="authorization", problem=refusal)
        if not request.late:
            return await self._performed(request)
        mask = Mask()
        try:
            outcome = await self._performed(await completed(request, self._shared, mask))
        except CallFault as fault:
            return ProcessOutcome(error=fault.kind, problem=mask.message(str(fault)))
        except Exception as error:  # noqa: BLE001  a traceback with a secret in it would be kept in the history
            return ProcessOutcome(error="runtime", problem=mask.message(f"{type(error).__name__}: {error}"))
        return masked(outcome, mask)

    async def _performed(self, request: ProcessRequest) -> ProcessOutcome:
        folder = tempfile.TemporaryDirectory(prefix="maestro-run-", ignore_cleanup_errors=True)
        is_watched = True
        try:
            container = Container.of(request, self.options) if request.kind == "container" else None
            group = await self._started(request, container, Path(folder.name))
            work = self._finished(request, container, group, folder)
            if request.awaited:
                return await work
            is_watched = False
            self._leave(work)
        except NoProgramError as error:
            return ProcessOutcome(error="configuration", problem=str(error))
        except (OSError, ValueError) as error:  # no such program, too long an argument, a NUL in one
            return ProcessOutcome(error="runtime", problem=f"the process cannot be started: {error}")
        finally:
            if is_watched:
                folder.cleanup()
        return ProcessOutcome()

    async def _started(self, request: ProcessRequest, container: Container | None, folder: Path) -> ProcessGroup:
        options = self.options
        if container is not None:
            await remove_expired(container.runtime)
            command = container.command()
        elif request.kind == "script":
            command = script_command(request, options, folder)
        else:
            command = shell_command(request)
        return await ProcessGroup.started(
            command,
            environment={**options.environment, "HOME": str(folder), "TMPDIR": str(folder), **request.environment},
            folder=folder,
            output_limit_bytes=options.output_limit_bytes if request.awaited else None,
            grace=options.grace,
        )

    async def _finished(
        self,
        request: ProcessRequest,
        container: Container | None,
        group: ProcessGroup,
        folder: tempfile.TemporaryDirectory[str],
    ) -> ProcessOutcome:
        options, is_over = self.options, False
        try:
            finished = await group.finish(request.stdin, options.time_limit)
            is_over = True
        except TimeoutError:
            limit = f"{options.time_limit.total_seconds():g} s"
            return ProcessOutcome(error="timeout", problem=f"this host lets no process run for longer than {limit}")
        except OutputLimitError as error:
            allowed = f"this host allows {options.output_limit_bytes} bytes"
            return ProcessOutcome(error="runtime", problem=f"the process was stopped: {error} ({allowed})")
        finally:
            folder.cleanup()
            if container is not None:
                await self._tidied(container, is_over=is_over)
        return _outcome(finished, container)

    async def _tidied(self, container: Container, *, is_over: bool) -> None:
        """Remove a container that was stopped at once, and one that stays for a while after that while."""
        asked = container.request.container
        after_s = None if asked is None else asked.cleanup_after_s
        if not is_over:
            await container.remove()
        elif after_s is not None:
            self._leave(_later(timedelta(seconds=after_s), container))

    def _leave(self, work: Coroutine[Any, Any, object]) -> None:
        task: asyncio.Task[object] = asyncio.create_task(work)
        self._unwatched.add(task)
        task.add_done_callback(self._unwatched.discard)


async def _later(after: timedelta, container: Container) -> None:
    await asyncio.sleep(after.total_seconds())
    await container.remove()


def _outcome(finished: Finished, container: Container | None) -> ProcessOutcome:
    if container is not None and finished.code == FAILED:
        told = finished.stderr.strip() or "it does not say why"
        return ProcessOutcome(error="runtime", problem=f"{container.runtime.name} could not run the container: {told}")
    return ProcessOutcome(finished.code, finished.stdout, finished.stderr)
