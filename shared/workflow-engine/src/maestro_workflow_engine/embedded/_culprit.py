"""Who holds an event loop, read off the stack of its thread."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FrameType

import msgspec

from maestro_workflow_engine.embedded._attempt import run_attempt
from maestro_workflow_engine.machine import WorkflowMachine

_APPLY: CodeType = WorkflowMachine.apply.__code__
_ATTEMPT: CodeType = run_attempt.__code__
_CALLBACK: CodeType = asyncio.Handle._run.__code__  # noqa: SLF001  the frame that each callback of an event loop has around it
_ENGINE = f"{Path(__file__).parents[1]}/"
_ASYNCIO = ("/asyncio/", "/selectors.py")
_MOST_FRAMES = 30


class Culprit(msgspec.Struct, frozen=True):
    """What a thread is busy with. Two looks at one piece of work give equal culprits but for the stack.

    Attributes:
        kind: "workflow", "step" or "code".
        run_id: The run, if it is one's.
        workflow: The workflow.
        step: The step.
        work: Tells one piece of work from the next: the position of the event that the workflow is being shown, or
            which callback of the event loop it is.
        stack: Where it stands, outermost first.
    """

    kind: str
    run_id: str | None = None
    workflow: str | None = None
    step: str | None = None
    work: int | None = None
    stack: tuple[str, ...] = ()

    def is_same_as(self, other: Culprit | None) -> bool:
        """Whether the other is the same piece of work, at whatever line."""
        return other is not None and self == msgspec.structs.replace(other, stack=self.stack)


def find_culprit(frame: FrameType) -> Culprit | None:
    """Find out what a thread is busy with.

    Args:
        frame: The innermost frame of the thread that runs the event loop.

    Returns:
        None when it only waits for something to happen.
    """
    inner: list[FrameType] = []
    work: int | None = None
    for each in _outwards(frame):
        if each.f_code is _APPLY:
            machine: WorkflowMachine = each.f_locals["self"]
            return Culprit(
                "workflow", machine.run_id, machine.definition.name, None, machine.position, _stack(inner or [each])
            )
        if each.f_code is _ATTEMPT:
            running = each.f_locals["running"]
            return Culprit("step", running.run_id, None, running.step, None, _stack(inner or [each]))
        if each.f_code is _CALLBACK:
            work = id(each.f_locals["self"])
        inner.append(each)
    if _is_waiting(frame):
        return None
    return Culprit("code", work=work, stack=_stack(inner))


def _outwards(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def _is_waiting(frame: FrameType) -> bool:
    """Whether the event loop itself stands still: in its selector, or (a loop written in C) under whatever runs it."""
    code = frame.f_code
    return (code.co_name == "select" and code.co_filename.endswith("/selectors.py")) or code.co_filename.endswith(
        "/asyncio/runners.py"
    )


def _stack(inner: list[FrameType]) -> tuple[str, ...]:
    theirs = [each for each in inner if not _is_machinery(each.f_code.co_filename)]
    return tuple(
        f"{each.f_code.co_filename}:{each.f_lineno} in {each.f_code.co_qualname}"
        for each in reversed((theirs or inner)[:_MOST_FRAMES])
    )


def _is_machinery(file: str) -> bool:
    return file.startswith((_ENGINE, "<frozen")) or any(part in file for part in _ASYNCIO)
