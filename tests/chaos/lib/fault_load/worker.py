"""The process that the fault suite kills: it runs every kind of load at once, for ever or until all that was begun has ended."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from fault_load.kind import Drive, Kind
from fault_load.kinds import KINDS
from fault_load.record import Line, Record, read_lines
from fault_load.steps import set_place
from maestro_workflow_engine import ClusterUnreachableError, JournalWriteError, WorkflowEngine
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

    cluster: str | None = None
    """The URL of a Temporal cluster, instead of a journal."""

    slot: int = 0
    """Which of the workers at a cluster it is: each has lanes of its own."""

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
    kinds = [kind for kind in KINDS if orders.cluster is None or kind.on_cluster]
    async with _opened(orders, kinds) as engine:
        record.write("opened", "")
        async with asyncio.TaskGroup() as lanes:
            for kind in kinds:
                for number in range(orders.slot * orders.lanes, (orders.slot + 1) * orders.lanes):
                    lane = _Lane(engine, record, folder, kind, number, before, on_cluster=orders.cluster is not None)
                    lanes.create_task(lane.go(finishing=orders.finishing), name=f"{kind.name} {number}")
        if orders.cluster is None:
            await _ask_again(engine, record, before)
        elif orders.finishing:
            record.write("finished", "", slot=orders.slot)
            await asyncio.Event().wait()  # the others may need a worker more
    record.write("closed", "")


@asynccontextmanager
async def _opened(orders: Orders, kinds: Sequence[Kind]) -> AsyncIterator[WorkflowEngine]:
    workflows = [definition for kind in kinds for definition in kind.workflows(new_code=orders.new_code)]
    url = orders.cluster or f"sqlite:///{orders.journal}"
    while True:
        async with AsyncExitStack() as stack:
            try:
                engine = WorkflowEngine(url, workflows=workflows, max_workflows_in_memory=5)
                await stack.enter_async_context(engine)
            except ClusterUnreachableError:  # its server was killed just now
                await asyncio.sleep(_AGAIN_S)
                continue
            yield engine
            return


async def _ask_again(engine: WorkflowEngine, record: Record, before: Mapping[str, list[Line]]) -> None:
    """Check that a run, asked again, gives the result it has given."""
    ended = [line for lines in before.values() for line in lines if line.what == "ended" and line.facts["result"]]
    for line in ended:
        if await engine.handle(line.run).result() != line.facts["outcome"]:
            record.write("fault", line.run, text="its result has changed")


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
        *,
        on_cluster: bool,
    ) -> None:
        self._engine, self._record, self._folder, self._kind = engine, record, folder, kind
        self._prefix = f"{kind.name}-{number}-"
        self._before = before
        self._on_cluster = on_cluster

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
            noting = _Noting(self._record, known)
            drive = Drive(self._engine, noting, self._folder, run, tuple(known), on_cluster=self._on_cluster)
            try:
                outcome = await self._kind.drive(drive)
            except JournalWriteError:  # what was asked for did not happen: ask again
                self._record.write("refused by the disk", run)
                await asyncio.sleep(_AGAIN_S)
                continue
            except ClusterUnreachableError:  # what was asked for did or did not happen, as when this process dies
                self._record.write("unreachable", run)
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
