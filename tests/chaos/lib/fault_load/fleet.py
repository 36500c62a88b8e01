"""Several workers at one cluster: they are killed and replaced, the server too; then whether the record tells what it must."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path

from temporalio.client import Client, WorkflowHistory

from fault_load.cluster import Cluster
from fault_load.nursery_client import Nursery, Worker
from fault_load.record import Line, Record, read_lines
from fault_load.site import check_ends, check_knowledge
from fault_load.worker import Orders

WORKERS = 4
_DEADLINE_S = 180.0


class Fleet:
    """Four workers, each with lanes of its own.

    Args:
        folder: Holds the record.
        nursery: Where workers come from.
        cluster: Where they work.
    """

    def __init__(self, folder: Path, nursery: Nursery, cluster: Cluster) -> None:
        self._folder = folder
        self._nursery = nursery
        self._cluster = cluster
        self._record = Record(folder / "record")
        self._workers: dict[int, Worker] = {}

    def begin(self, slot: int, *, finishing: bool = False, new_code: bool = True) -> None:
        """Let a worker begin."""
        url = self._cluster.url
        orders = Orders(str(self._folder), "", finishing, new_code, lanes=1, cluster=url, slot=slot)
        self._workers[slot] = self._nursery.fork(orders)

    def kill(self, slot: int) -> None:
        """Kill a worker."""
        worker = self._workers.pop(slot)
        worker.kill()
        self._record.write("killed", "", pid=worker.pid)

    def kill_all(self) -> None:
        """Kill all that are left."""
        for slot in list(self._workers):
            self.kill(slot)

    def kill_server(self) -> None:
        """Kill the server under load and start it on what it has left."""
        self._record.write("server killed", "")
        self._cluster.kill()
        self._cluster.start()
        self._record.write("server is back", "")

    def lines(self) -> list[Line]:
        """Return the whole record."""
        return read_lines(self._folder / "record")

    def await_progress(self, ends: int) -> None:
        """Wait until so many more runs have ended, besides those that are ended in their midst."""

        def ended() -> int:
            return sum(line.what == "ended" and not line.run.startswith("terminated") for line in self.lines())

        self._await(ended, ended() + ends)

    def finish(self) -> None:
        """Replace all workers by ones that end what was begun, and wait until they have."""
        self.kill_all()
        for slot in range(WORKERS):
            self.begin(slot, finishing=True)
        self._await(lambda: self._count("finished"), WORKERS)

    def check_record(self) -> None:
        """Check what the record alone can show: every run's right end, and that each repetition has a death for a reason."""
        lines = self.lines()
        check_ends(lines)
        check_knowledge(lines)
        check_repetitions(lines)

    async def check_cluster(self) -> dict[str, int]:
        """Check that what was acknowledged is at the cluster, and that nothing ran again whose completion it had.

        Returns:
            How much there was of what.
        """
        lines = self.lines()
        started = {line.run for line in lines if line.what == "started" and not line.run.startswith("scheduled-")}
        latest = _latest_attempts(lines)
        repeated, attempts = 0, {}
        client = await Client.connect(self._cluster.target)
        for run in sorted(started):
            handle = client.get_workflow_handle(run)
            assert (await handle.describe()).close_time is not None, run
            attempts.update(_completed(run, await handle.fetch_history()))
        for key, attempt in attempts.items():
            # The cluster counts the attempts: one after the attempt that it knows as completed ran in vain.
            assert latest.get(key, attempt) <= attempt, (key, latest[key], attempt)
            repeated += attempt > 1
        whats = Counter(line.what for line in lines)
        return {**whats, "runs": len(started), "completed steps": len(attempts), "in a later attempt": repeated}

    def _count(self, what: str) -> int:
        return sum(line.what == what for line in self.lines())

    def _await(self, seen: Callable[[], int], wanted: int) -> None:
        deadline = time.monotonic() + _DEADLINE_S
        while seen() < wanted:
            assert time.monotonic() < deadline, self._complaint()
            time.sleep(0.05)

    def _complaint(self) -> str:
        ended = {line.run for line in self.lines() if line.what == "ended"}
        begun = {line.run for line in self.lines() if line.what == "begun"}
        output = (self._folder / "output").read_text()[-4000:]
        return f"not ended: {sorted(begun - ended)}\n{output}\n{self._cluster.log()}"


def check_repetitions(lines: list[Line]) -> None:
    """Check that a step left a second trace only when the worker of the first, or the server, died in between."""
    last: dict[str, int] = {}
    for place, line in enumerate(lines):
        if line.what != "step":
            continue
        key = line.facts["key"]
        before = last.get(key)
        if before is not None:
            assert _is_excused(lines, before, place), (lines[before], line)
        last[key] = place


def _is_excused(lines: list[Line], before: int, now: int) -> bool:
    pid = lines[before].facts["pid"]
    if any(
        line.what == "server killed" or line.facts.get("pid") == pid
        for line in lines[before:now]
        if line.what != "step"
    ):
        return True
    # It ran while the server was down: the cluster could not hear of its end.
    states = [line.what for line in lines[:before] if line.what in ("server killed", "server is back")]
    return states[-1:] == ["server killed"]


def _latest_attempts(lines: list[Line]) -> Mapping[str, int]:
    found: dict[str, int] = defaultdict(int)
    for line in lines:
        if line.what == "step":
            found[line.facts["key"]] = max(found[line.facts["key"]], line.facts["attempt"])
    return found


def _completed(run: str, history: WorkflowHistory) -> dict[str, int]:
    """Return the attempt in which each step completed, by its key, as the cluster's own history has it."""
    keys: dict[int, str] = {}
    attempts: dict[int, int] = {}
    found: dict[str, int] = {}
    for event in history.events:
        if event.HasField("activity_task_scheduled_event_attributes"):
            keys[event.event_id] = f"{run}/{event.activity_task_scheduled_event_attributes.activity_id}"
        elif event.HasField("activity_task_started_event_attributes"):
            started = event.activity_task_started_event_attributes
            attempts[started.scheduled_event_id] = started.attempt
        elif event.HasField("activity_task_completed_event_attributes"):
            scheduled = event.activity_task_completed_event_attributes.scheduled_event_id
            assert keys[scheduled] not in found, (run, keys[scheduled])
            found[keys[scheduled]] = attempts[scheduled]
    return found
