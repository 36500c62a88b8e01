"""Running a document that listens, and sending it events."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from maestro_workflow_engine import WorkflowEngine, WorkflowHandle
from maestro_workflow_engine.dsl import WorkflowDocument

LIMIT = timedelta(seconds=30)


def event(kind: str, data: Any = None, /, **attributes: Any) -> dict[str, Any]:
    """Make an event; its id is made of its content unless it is given."""
    made = {"id": f"{kind}-{data}-{attributes}", "source": "https://example.com/tests", "type": kind, **attributes}
    return made if data is None else {**made, "data": data}


async def listens(handle: WorkflowHandle[Any], count: int = 1) -> None:
    """Return once a run has that many listeners open."""
    deadline = time.monotonic() + LIMIT.total_seconds()
    while time.monotonic() < deadline:
        waits = (await handle.status()).waiting_for
        if sum(wait.kind == "event" for wait in waits) >= count:
            return
        await asyncio.sleep(0.005)
    raise AssertionError(f"run {handle.id} does not listen")


@asynccontextmanager
async def running(
    document: WorkflowDocument, payload: Any = None, *, url: str = "sqlite://", run_id: str = "run-1"
) -> AsyncIterator[tuple[WorkflowEngine, WorkflowHandle[Any]]]:
    """Open an engine, start the document and wait until it listens."""
    async with WorkflowEngine(url, workflows=[document.as_workflow()]) as engine:
        handle = await engine.start(document.qualified_name, payload, id=run_id)
        await listens(handle)
        yield engine, handle


async def heard(document: WorkflowDocument, events: list[dict[str, Any]], payload: Any = None) -> Any:
    """Run a document, send it events one after the other, and return its output."""
    async with running(document, payload) as (engine, handle):
        for each in events:
            await engine.publish_event(each)
        return await handle.result(LIMIT)
