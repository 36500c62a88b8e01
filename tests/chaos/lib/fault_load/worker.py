"""The process that the fault suite kills: it runs every kind of load at once, for ever or until all that was begun has ended."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from fault_load.kind import Drive, Kind
from fault_load.kinds import KINDS
from fault_load.record import Line, Record, read_lines
from fault_load.steps import set_place
from maestro_workflow_engine import JournalWriteError, WorkflowEngine
from maestro_workflow_engine.embedded import _crash_points

_AGAIN_S = 0.02


@dataclass(frozen=True)
class Orders:
    """What a worker is to do."""

    folder: str
    """Holds the record."""

    journal: str
    """The journal's file; it may be on another, smaller disk."""

    finishing: bool = False
    """Whether to end what was begun and stop; otherwise new runs are begun for ever."""

    new_code: bool = False
    """Whether the changed code of `kinds.patching` is deployed."""

    lanes: int = 2
    """How many runs of each kind go on at once."""

    crash_point: str | None = None
    """Where to die."""

    hits: int = 1
    """At which passing of it."""

    def as_json(self) -> dict[str, Any]:
        """Return the orders for another process."""
        return asdict(self)


async def work(orders: Orders) -> None:
    """Carry out orders."""
    folder = Path(orders.folder)
    before: dict[str, list[Line]] = defaultdict(list)
    for line in read_lines(folder / "record"):
        before[line.run].append(line)
    record = Record(folder / "record")
    set_place(folder, record)
    if orders.crash_point is not None:
        _crash_points.arm(orders.crash_point, orders.hits)
    workflows = [definition for kind in KINDS for definition in kind.workflows(new_code=orders.new_code)]
    async with WorkflowEngine(f"sqlite:///{orders.journal}", workflows=workflows, max_workflows_in_memory=5) as engine:
        record.write("opened", "")
        async with asyncio.TaskGroup() as lanes:
            for kind in KINDS:
                for number in range(orders.lanes):
                    lane = _Lane(engine, record, folder, kind, number, before)
                    lanes.create_task(lane.go(finishing=orders.finishing), name=f"{kind.name} {number}")
        ended = [line for lines in before.values() for line in lines if line.what == "ended" and line.facts["result"]]
        for line in ended:  # asked again, a run gives the result it has given
            if await engine.handle(line.run).result() != line.facts["outcome"]:
                record.write("fault", line.run, text="its result has changed")
    record.write("closed", "")


class _Lane:
    """Runs of one kind, one after the other."""

    def __init__(
        self,
        engine: WorkflowEngine,
        record: Record,
        folder: Path,
        kind: Kind,
        number: int,
        before: Mapping[str, list[Line]],
    ) -> None:
        self._engine, self._record, self._folder, self._kind = engine, record, folder, kind
        self._prefix = f"{kind.name}-{number}-"
        self._before = before

    async def go(self, *, finishing: bool) -> None:
        """Take up the run that was begun last, end it, begin the next one."""
        turn = 0
        while f"{self._prefix}{turn + 1}" in self._before:
            turn += 1
        while True:
            await self._one(f"{self._prefix}{turn}", finishing=finishing)
            if finishing:
                return
            turn += 1

    async def _one(self, run: str, *, finishing: bool) -> None:
        lines = self._before.get(run, [])
        if not lines:
            if finishing:
                return
            self._record.write("begun", run)
        if any(line.what == "ended" for line in lines):
            return
        known = list(lines)
        while True:
            drive = Drive(self._engine, _Noting(self._record, known), self._folder, run, tuple(known))
            try:
                outcome = await self._kind.drive(drive)
            except JournalWriteError:  # what was asked for did not happen: ask again
                self._record.write("refused by the disk", run)
                await asyncio.sleep(_AGAIN_S)
                continue
            self._record.write("ended", run, outcome=outcome, result=self._kind.name in _PLAIN)
            return


class _Noting(Record):
    """Keeps in mind what it writes, for the case that the same process drives a run again."""

    def __init__(self, record: Record, known: list[Line]) -> None:
        self.path = record.path
        self._record = record
        self._known = known

    def write(self, what: str, run: str, **facts: Any) -> None:
        """Note that something happened."""
        self._record.write(what, run, **facts)
        self._known.append(Line(what, run, facts))


_PLAIN = frozenset({"mixed", "signalled", "updated", "continued", "patched", "paused"})
"""Kinds whose outcome is what `result()` of the run gives."""
