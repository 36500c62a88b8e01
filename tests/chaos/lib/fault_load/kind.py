"""What a kind of load is: its workflows, how a run of it is driven from outside, and what must be true of it in the end."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from fault_load.record import Line, Record
from maestro_workflow_engine import WorkflowDefinition, WorkflowEndedError, WorkflowEngine, WorkflowHandle

_attempts = itertools.count()


@dataclass(frozen=True)
class Drive:
    """One run that a process drives to its end, from wherever an earlier process left it."""

    engine: WorkflowEngine
    record: Record
    folder: Path
    run: str
    before: tuple[Line, ...]
    """What the record holds of the run from earlier processes."""

    on_cluster: bool = False
    """Whether the engine is a worker of a Temporal cluster."""

    def note(self, what: str, **facts: Any) -> None:
        """Note what was acknowledged for the run."""
        self.record.write(what, self.run, **facts)

    def noted(self, what: str) -> list[Line]:
        """Return what earlier processes have noted of one sort."""
        return [line for line in self.before if line.what == what]

    def new_mark(self) -> str:
        """Return something that no process has sent before."""
        return f"{os.getpid()}.{next(_attempts)}"


class Kind(Protocol):
    """A kind of load. A module in `kinds` has one."""

    name: str
    """Begins the ids of its runs."""

    on_cluster: bool
    """Whether a Temporal cluster can run it."""

    def workflows(self, *, new_code: bool) -> Iterable[WorkflowDefinition[..., Any]]:
        """Return what is registered; `new_code` is switched on for good at some time."""

    async def drive(self, drive: Drive) -> object:
        """Take a run to its end, noting each acknowledgement at once; return how it ended, the same whenever asked."""

    def check(self, lines: Sequence[Line], outcome: Any) -> None:
        """Check what is noted of one run that has ended."""


async def send_all(drive: Drive, handle: WorkflowHandle[Any], signal: str, count: int) -> None:
    """Send so many signals and then the last one. What is not acknowledged is sent again under another mark."""
    for _ in range(len(drive.noted("signalled")), count):
        mark = drive.new_mark()
        await handle.signal(signal, mark)
        drive.note("signalled", mark=mark)
    try:
        await handle.signal(signal, "last")
    except WorkflowEndedError:  # an earlier process had sent it and died before it knew
        return


def check_marks(lines: Sequence[Line], received: Sequence[str]) -> None:
    """Each acknowledged signal was received once, in the order of the acknowledgements, and no other one twice."""
    sent = [line.facts["mark"] for line in lines if line.what == "signalled"]
    assert len(set(received)) == len(received), received
    assert [mark for mark in received if mark in set(sent)] == sent, (received, sent)


@dataclass
class Simple:
    """A kind whose workflows never change, given as functions."""

    name: str
    definitions: list[WorkflowDefinition[..., Any]]
    driven: Callable[[Drive], Any]
    checked: Callable[[Sequence[Line], Any], None]
    on_cluster: bool = True

    def workflows(self, *, new_code: bool) -> Iterable[WorkflowDefinition[..., Any]]:
        """Return its workflows."""
        del new_code
        return self.definitions

    async def drive(self, drive: Drive) -> object:
        """Take a run to its end."""
        return await self.driven(drive)

    def check(self, lines: Sequence[Line], outcome: Any) -> None:
        """Check one run."""
        self.checked(lines, outcome)


def steps_of(lines: Iterable[Line]) -> list[str]:
    """Return the names of the steps that left a trace, in order."""
    return [line.facts["name"] for line in lines if line.what == "step"]
