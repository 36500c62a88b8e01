"""The runners that the same tests run against."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from maestro_workflow_engine import ClusterUnreachableError, WorkflowDefinition, WorkflowEngine, WorkflowNotFoundError

_TEMPORAL = pytest.param("temporal", marks=pytest.mark.xdist_group("temporal"))


@dataclass(frozen=True)
class Place:
    """Where the engines of one test keep their runs: a second one finds what the first has left."""

    runner: str
    url: str

    def engine(self, *, workflows: Iterable[WorkflowDefinition[..., Any]], **options: Any) -> WorkflowEngine:
        """Return an engine that is not open yet."""
        return WorkflowEngine(self.url, workflows=workflows, **options)

    @staticmethod
    async def until(wanted: Callable[[], Awaitable[bool]]) -> None:
        """Wait until something is so: a cluster lists a change a little later."""
        async with asyncio.timeout(20):
            while not await wanted():
                await asyncio.sleep(0.01)

    async def begun(self, engine: WorkflowEngine, run_id: str) -> None:
        """Wait until there is such a run: a cluster starts a child a little after its parent has asked for it."""

        async def is_there() -> bool:
            with contextlib.suppress(WorkflowNotFoundError):
                return bool((await engine.handle(run_id).status()).waiting_for)
            return False

        await self.until(is_there)


@pytest.fixture(params=["embedded", _TEMPORAL])
async def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """A place that is empty."""
    if request.param == "embedded":
        return Place("embedded", f"sqlite:///{tmp_path}/journal.db")
    url = next(request.getfixturevalue("temporal_namespaces"))
    found = Place("temporal", f"{url}&lost_after_s=6")  # by its signs of life a step hears that it was stopped
    while True:  # a new namespace is known to the server's parts one after the other
        try:
            async with found.engine(workflows=[]):
                return found
        except ClusterUnreachableError:
            await asyncio.sleep(0.1)
