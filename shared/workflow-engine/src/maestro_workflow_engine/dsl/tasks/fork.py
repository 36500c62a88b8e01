"""`fork`: tasks at the same time, joined or racing."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from maestro_workflow_engine.dsl._errors import TaskError
from maestro_workflow_engine.dsl._frame import Frame
from maestro_workflow_engine.dsl._model import END, Outcome, Parser, Task, TaskList
from maestro_workflow_engine.dsl._node import Node
from maestro_workflow_engine.dsl._sequence import WorkflowEnded

FIELDS = ("fork",)
REQUIRED = ("fork",)


@dataclass(frozen=True)
class Fork:
    """Branches, each one task."""

    branches: TaskList
    compete: bool

    async def run(self, frame: Frame) -> Outcome:
        """Run all branches on the same input.

        Joined, the output is the list of theirs in the order of declaration, and the first failure cancels the rest.
        Racing, the output is that of the first branch to succeed, and the rest is cancelled; a branch that fails has
        lost, and only when all have does the task fail, with the first branch's error.
        """
        work = [_run_branch(frame, branch) for branch in self.branches.tasks]
        if not work:
            return Outcome([])
        outcomes = await (_race(work) if self.compete else _join(work))
        outputs = [outcome.output for outcome in outcomes]
        return Outcome(outputs[0] if self.compete else outputs)


def parse(fields: Mapping[str, Node], parser: Parser, scope: frozenset[str]) -> Fork:
    """Read the task."""
    node = fields["fork"]
    fork = node.fields(("branches", "compete"), ("branches",), what="'fork'")
    compete = "compete" in fork and fork["compete"].boolean()
    branches = parser.branches(fork.get("branches", Node([], "", node.log)), scope)
    if compete and "branches" in fork and fork["branches"].value == []:
        fork["branches"].fault("nobody competes; name at least one branch")
    return Fork(branches, compete)


async def _run_branch(frame: Frame, branch: Task) -> Outcome:
    outcome = await frame.run_task(branch, frame.input)
    if outcome.then == END:
        raise WorkflowEnded(outcome.output)
    return outcome


async def _join(work: Sequence[Coroutine[Any, Any, Outcome]]) -> list[Outcome]:
    tasks = [asyncio.ensure_future(branch) for branch in work]
    try:
        return list(await asyncio.gather(*tasks))
    finally:
        await _stop(tasks)


async def _race(work: Sequence[Coroutine[Any, Any, Outcome]]) -> list[Outcome]:
    tasks = [asyncio.ensure_future(branch) for branch in work]
    running = set(tasks)
    try:
        while running:
            await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                if task in running and task.done():
                    running.discard(task)
                    if not isinstance(task.exception(), TaskError):
                        return [task.result()]
        return [task.result() for task in tasks[:1]]  # all failed: this raises the first branch's error
    finally:
        await _stop(tasks)


async def _stop(tasks: Sequence[asyncio.Future[Outcome]]) -> None:
    """Cancel what still runs, and wait until it has wound up."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
