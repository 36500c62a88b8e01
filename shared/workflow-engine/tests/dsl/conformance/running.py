"""Runs one document on an engine and tells what came of it; as a program, it does so in processes that can be killed.

The program reads one request a line: `{"definition", "payload", "folder", "outcome", "point", "hits"}`. For each it forks a
process, which dies the `hits`-th time it reaches the crash point (never for 0), and answers with how the process ended.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2

from maestro_workflow_engine import WorkflowEngine, WorkflowFailedError
from maestro_workflow_engine.dsl import HttpxCaller, Steps, load_document
from maestro_workflow_engine.dsl._frame import Run
from maestro_workflow_engine.embedded import _crash_points

Answer = Callable[[httpx2.Request], httpx2.Response]
SOON = timedelta(seconds=60)


class Kept(list[str]):
    """A list whose items are also on disk: one file for each process, which outlives it."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._path = folder / f"order-{time.monotonic_ns():020}"

    def append(self, item: str) -> None:
        super().append(item)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(f"{item}\n")


def last_kept(folder: Path) -> list[str]:
    """Return what the last process that kept anything has kept: a replay reaches every task again."""
    files = sorted(folder.glob("order-*"))
    return files[-1].read_text(encoding="utf-8").split("\n")[:-1] if files else []


@contextmanager
def recorded_tasks(order: list[str]) -> Iterator[list[str]]:
    """Note the tasks that are reached, in order."""
    open_frame = Run.frame

    def record(self: Run, task: Any, *rest: Any) -> Any:
        order.append(task.name)
        return open_frame(self, task, *rest)

    Run.frame = record  # type: ignore[method-assign]
    try:
        yield order
    finally:
        Run.frame = open_frame  # type: ignore[method-assign]


async def outcome_on(url: str, definition: str, payload: Any, answer: Answer, run_id: str) -> dict[str, Any]:
    """Run a document, or go on with the run that is there; return its output or its error, as JSON values."""
    document = load_document(definition)
    workflow = document.as_workflow(Steps((), HttpxCaller(transport=httpx2.MockTransport(answer))))
    async with WorkflowEngine(url, workflows=[workflow]) as engine:
        handle = await engine.start(document.qualified_name, payload, id=run_id)
        try:
            return {"output": await handle.result(timeout=SOON)}
        except WorkflowFailedError as error:
            return {"error": (error.failure.args or [error.failure.traceback])[0]}


def _die_in(request: dict[str, Any], answer: Answer) -> None:
    if request["hits"]:
        _crash_points.arm(request["point"], request["hits"])
    url = f"sqlite:///{request['folder']}/journal.db"
    folder = Path(request["folder"])
    with recorded_tasks(Kept(folder)):
        found = asyncio.run(outcome_on(url, request["definition"], request["payload"], answer, "scenario"))
    Path(request["outcome"]).write_text(json.dumps({**found, "order": last_kept(folder)}), encoding="utf-8")


def serve(answer: Answer) -> None:
    """Answer requests on standard input until it ends."""
    for line in sys.stdin:
        request = json.loads(line)
        child = os.fork()
        if child == 0:
            code = 1
            try:
                _die_in(request, answer)
                code = 0
            except BaseException:  # noqa: BLE001  whatever it is: the parent reads it, and this copy of it must end here
                Path(request["outcome"]).with_suffix(".log").write_text(traceback.format_exc(), encoding="utf-8")
            finally:
                os._exit(code)
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()
