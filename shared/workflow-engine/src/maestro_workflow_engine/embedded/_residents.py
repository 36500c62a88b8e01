"""Runs in memory: how they come in, how long they stay, how they leave. A run that only waits can leave and come back."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterator

from maestro_core_logging import get_logger
from maestro_workflow_engine._errors import JournalCorruptError, WorkflowError
from maestro_workflow_engine._payload_errors import PayloadStoreError, PayloadUnreadableError
from maestro_workflow_engine._records import RunStatus
from maestro_workflow_engine._registry import WorkflowRegistry
from maestro_workflow_engine.embedded._alarms import Alarms
from maestro_workflow_engine.embedded._clock import Clock
from maestro_workflow_engine.embedded._downloads import Downloads
from maestro_workflow_engine.embedded._journal import Parked, Parking, Write, nothing
from maestro_workflow_engine.embedded._live import LiveRun
from maestro_workflow_engine.embedded._loading import replay
from maestro_workflow_engine.embedded._pauses import Pauses
from maestro_workflow_engine.embedded._reader import JournalReader, RunRow
from maestro_workflow_engine.embedded._uploads import Uploads
from maestro_workflow_engine.machine import _commands as cmd

_logger = get_logger(__name__)
_DOWNLOAD_AGAIN_FIRST_S = 0.1
_DOWNLOAD_AGAIN_LONGEST_S = 5.0
WAKE = 0
"""The sequence number under which the alarm of a run outside memory rings; calls count from 1."""


class Residents:
    """The runs in memory.

    Args:
        journal: Takes note of runs that leave.
        reader: Where runs come from.
        registry: The workflows they run.
        downloads: Fetches stored payloads; None without a payload store.
        pauses: Which workflows are paused.
        alarms: Wakes runs that left.
        clock: Starts downloads.
        most: How many runs that only wait stay.
        execute: Does what a run's machine asks for after it has been taken up.
    """

    def __init__(
        self,
        journal: Uploads,
        reader: JournalReader,
        registry: WorkflowRegistry,
        *,
        downloads: Downloads | None,
        pauses: Pauses,
        alarms: Alarms,
        clock: Clock,
        most: int,
        execute: Callable[[LiveRun, list[cmd.Command]], None],
    ) -> None:
        self._journal = journal
        self._reader = reader
        self._registry = registry
        self._downloads = downloads
        self._pauses = pauses
        self._alarms = alarms
        self._clock = clock
        self._most = most
        self._execute = execute
        self._downloading: set[asyncio.Task[None]] = set()
        self.by_key: dict[int, LiveRun] = {}
        self.by_id: dict[str, LiveRun] = {}
        self._idle: OrderedDict[int, LiveRun] = OrderedDict()

    def __iter__(self) -> Iterator[LiveRun]:
        return iter(list(self.by_key.values()))

    def __contains__(self, run: LiveRun) -> bool:
        return self.by_key.get(run.key) is run

    def close(self) -> None:
        """Fetch nothing more."""
        for task in self._downloading:
            task.cancel()

    def admit(self, run: LiveRun) -> None:
        """Take in a run that has just been made."""
        self.by_key[run.key] = self.by_id[run.id] = run

    def find(self, row: RunRow) -> LiveRun:
        """Return an unfinished run, bringing it into memory if need be."""
        return self.by_key.get(row.key) or self._load(row)

    def load(self, key: int) -> LiveRun | None:
        """Return a run by key, bringing it into memory; None when it has ended."""
        run = self.by_key.get(key)
        if run is not None:
            return run
        row = self._reader.by_key(key)
        return None if row is None or not RunStatus(row.status).is_open else self._load(row)

    def revive(self) -> None:
        """Try again to load the runs that could not be replayed: a workflow has been registered."""
        for run in [run for run in self if run.machine is None and not run.unflushed]:
            self.forget(run)
            self.load(run.key)

    def stay(self, run: LiveRun) -> None:
        """Keep a run in memory: something happens to it."""
        self._idle.pop(run.key, None)

    def settle(self, run: LiveRun) -> None:
        """Let a run that only waits leave once too many do."""
        if run.is_idle and run.key in self.by_key:
            self._idle[run.key] = run
            self._idle.move_to_end(run.key)
            while len(self._idle) > self._most:
                _, longest = self._idle.popitem(last=False)
                if longest.is_idle:  # a retry may have begun since it was put here
                    self.park(longest)

    def park(self, run: LiveRun) -> None:
        """Let a run that only waits leave memory."""
        wake_us = run.wake_us
        parking = Parking.HELD if run.is_held else Parking.ASLEEP
        self._journal.submit(Write(nothing, parked=Parked(run.key, parking, wake_us)))
        if wake_us is not None:
            self._alarms.add(wake_us, run.key, WAKE)
        self.forget(run)

    def forget(self, run: LiveRun) -> None:
        """Drop a run from memory; its history stays."""
        self.by_key.pop(run.key, None)
        self.by_id.pop(run.id, None)
        self._idle.pop(run.key, None)
        run.stop_steps()
        if run.machine is not None:
            run.machine.drop()

    def stuck(self, run: LiveRun, error: Exception) -> None:
        """Take note of why a run cannot go on."""
        run.problem = str(error) or repr(error)
        code = getattr(error, "code", WorkflowError.code)
        _logger.error("Run cannot go on", run_id=run.id, workflow=run.workflow, problem=run.problem, code=code)

    def _load(self, row: RunRow) -> LiveRun:
        parent = None if row.parent_key is None else (row.parent_key, row.parent_seq or 0)
        run = LiveRun(row.key, row.id, row.workflow, row.version, None, parent, parked_on_disk=True)
        run.is_paused = row.status == RunStatus.PAUSED
        run.on_close = row.on_parent_close or run.on_close
        self.admit(run)
        run.next_position = self._reader.next_position(row.key)
        stored = self._reader.referring(row.key) if self._downloads is not None else []
        if self._downloads is None or not stored:
            self._take_up(run, row)
        else:  # until then its events are journalled and wait
            task = self._clock.spawn(self._download(run, row, self._downloads, stored), name="fetching payloads")
            self._downloading.add(task)
            task.add_done_callback(self._downloading.discard)
        return run

    async def _download(self, run: LiveRun, row: RunRow, downloads: Downloads, stored: list[bytes]) -> None:
        delay = _DOWNLOAD_AGAIN_FIRST_S
        while self.by_key.get(run.key) is run:
            try:
                async with downloads.of(stored):
                    if self.by_key.get(run.key) is run:
                        self._take_up(run, row)
                    return
            except PayloadStoreError as error:
                self.stuck(run, error)
            await asyncio.sleep(delay)
            delay = min(delay * 2, _DOWNLOAD_AGAIN_LONGEST_S)

    def _take_up(self, run: LiveRun, row: RunRow) -> None:
        parent = run.parent
        try:
            history = list(self._reader.history(row.key))
        except (PayloadUnreadableError, PayloadStoreError, JournalCorruptError) as error:
            self.stuck(run, error)
            return
        run.seen = history[-1][0] if history else -1
        run.problem = None
        now = self._reader.by_key(row.key) or row  # it may have been paused or resumed while payloads were fetched
        run.is_paused = now.status == RunStatus.PAUSED
        run.is_held = self._pauses.find(row.workflow, row.version) is not None
        try:
            definition = self._registry.find(row.workflow, row.version)
            parent_row = None if parent is None else self._reader.by_key(parent[0])
            run.machine = replay(definition, row.id, parent_row.id if parent_row else None, history)
        except Exception as error:  # noqa: BLE001  one run stops over it; the engine opens, and the others go on
            self.stuck(run, error)
            return
        self._execute(run, run.machine.outstanding())
        self.settle(run)
