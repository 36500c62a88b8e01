"""Drives one run of a workflow from outside, as the people and services of a process would.

A task of a pattern is enabled when it waits for the signal of its name; the test completes it by sending the signal, upon which
a step does the work and leaves a trace outside the journal.
"""

from __future__ import annotations

import asyncio
import secrets
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from maestro_workflow_engine import RunStatus, WorkflowDefinition, WorkflowEngine, receive, replay, step

RUN = "r"
_traces: list[str] = []


@step
async def work(name: str) -> str:
    """Do what a task is for."""
    _traces.append(name)
    return name


async def task(name: str) -> str:
    """Be enabled until somebody completes the task; then do its work."""
    await receive(name)
    return await work(name)


class Case:
    """One run (`r`) and its children.

    Args:
        journal: The file.
        restarts: Whether the engine is closed and opened anew before whatever is done or asked.
    """

    def __init__(self, journal: Path, *, restarts: bool) -> None:
        self._url = f"sqlite:///{journal}"
        self._restarts = restarts
        self._workflows: list[WorkflowDefinition[..., Any]] = []
        self._children: tuple[WorkflowDefinition[..., Any], ...] = ()
        self._engine: Any = None
        self.run = RUN

    async def __aenter__(self) -> Case:
        _traces.clear()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._engine is not None:
            await self._engine.__aexit__(None, None, None)

    @property
    def done(self) -> list[str]:
        """The tasks whose work was done, in order: one that was done twice is there twice."""
        return list(_traces)

    def knows(self, *children: WorkflowDefinition[..., Any]) -> None:
        """Register what the workflow runs as children, before it is started."""
        self._children = children

    async def start(self, workflow: WorkflowDefinition[..., Any], *args: Any) -> None:
        """Start the run."""
        self._workflows = [workflow, *self._children]
        await self._open(None)
        await self._engine.start(workflow, *args, id=self.run)
        await self.settle()

    async def complete(self, *names: str, run: str | None = None, payload: Any = None) -> None:
        """Complete tasks, one after another."""
        for name in names:
            await self._at_hand()
            await self._engine.handle(run or self.run).signal(name, payload)
            await self.settle()

    async def update(self, name: str, payload: Any = None) -> Any:
        """Ask the run for something and return its answer."""
        await self._at_hand()
        answer = await self._engine.handle(self.run).update(name, payload)
        await self.settle()
        return answer

    async def enabled(self, run: str | None = None) -> list[str]:
        """The tasks that could be completed now, by name."""
        detail = await self.detail(run)
        assert detail.problem is None
        return sorted(wait.name for wait in detail.waiting_for if wait.kind == "signal")

    async def children(self, run: str | None = None) -> list[str]:
        """The ids of a run's children, oldest first."""
        await self._at_hand()
        page = await self._engine.runs(parent=run or self.run)
        return [child.id for child in reversed(page.runs)]

    async def detail(self, run: str | None = None) -> Any:
        """The run in full."""
        await self._at_hand()
        return await self._engine.handle(run or self.run).status()

    async def cancel(self) -> None:
        """Ask the run to stop."""
        await self._at_hand()
        await self._engine.handle(self.run).cancel()
        await self.settle()

    async def terminate(self) -> None:
        """End the run at once."""
        await self._at_hand()
        await self._engine.handle(self.run).terminate()
        await self.settle()

    async def result(self) -> Any:
        """What the run returned. It has ended; and its history replays on the same code."""
        assert (await self.detail()).status is RunStatus.COMPLETED
        handle = self._engine.handle(self.run)
        assert replay(await handle.export_history(), self._workflows[0]).status is RunStatus.COMPLETED
        return await handle.result()

    async def sleep(self, duration: timedelta) -> None:
        """Let virtual time pass."""
        await self._at_hand()
        await self._engine.time.sleep(duration)

    async def settle(self) -> None:
        """Wait until whatever is due now has happened."""
        await self._engine.time.sleep(timedelta(0))

    async def _at_hand(self) -> None:
        if self._restarts:
            now = self._engine.time.now()
            await self._engine.__aexit__(None, None, None)
            await self._open(now)
            await self.settle()

    async def _open(self, now: Any) -> None:
        self._engine = WorkflowEngine.test(self._workflows, url=self._url, start_time=now)
        await self._engine.__aenter__()


class CaseOnCluster(Case):
    """The same on a Temporal cluster, where time is not skipped. Cases share a namespace, and nothing else.

    Args:
        url: The namespace.
    """

    def __init__(self, url: str) -> None:
        super().__init__(Path(), restarts=False)
        self.run = f"case-{secrets.token_hex(4)}"
        url = url.replace("task_queue=tests", f"task_queue={self.run}")
        self._url = f"{url}&lost_after_s=3"  # by its signs of life a step hears that it was stopped
        self._client: Client | None = None

    async def sleep(self, duration: timedelta) -> None:
        """Leave out tests that let days pass."""
        pytest.skip(f"a cluster does not skip {duration}")

    async def settle(self) -> None:
        """Wait until nothing is under way in the run and its children, and nothing has come of that a little later."""
        before, quiet = -1, 0
        async with asyncio.timeout(20):
            while quiet < _QUIET:
                length = await self._length(self.run)
                quiet = quiet + 1 if length is not None and length == before else 0
                before = -1 if length is None else length
                await asyncio.sleep(_LOOK_AGAIN_S)

    async def children(self, run: str | None = None) -> list[str]:
        """The ids of a run's open children, oldest first: listings show them a little later."""
        assert self._client is not None
        found = (await self._client.get_workflow_handle(run or self.run).describe()).raw_description
        return [child.workflow_id for child in found.pending_children]

    async def _length(self, run: str) -> int | None:
        """Return how many events a run and its open children have; None while something is under way."""
        assert self._client is not None
        try:
            found = (await self._client.get_workflow_handle(run).describe()).raw_description
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:  # a child that is about to be started
                return None
            raise
        if found.pending_activities or found.HasField("pending_workflow_task"):
            return None
        lengths = [await self._length(child.workflow_id) for child in found.pending_children]
        own: int = found.workflow_execution_info.history_length
        return None if None in lengths else own + sum(length or 0 for length in lengths)

    async def _open(self, now: Any) -> None:
        del now
        self._client = await Client.connect(self._url.split("/")[2], namespace=self._url.split("/")[3].split("?")[0])
        self._engine = WorkflowEngine(self._url, workflows=self._workflows)
        await self._engine.__aenter__()


_LOOK_AGAIN_S = 0.03
_QUIET = 3  # what one run sends to another is under way in the cluster, where nobody sees it
