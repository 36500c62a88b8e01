"""The journal's writer: one thread that commits whatever has gathered since its last commit."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable
from enum import IntEnum

import msgspec

from maestro_core_logging import get_logger
from maestro_workflow_engine._errors import EngineClosedError, JournalWriteError
from maestro_workflow_engine.embedded import _crash_points as crash_points
from maestro_workflow_engine.embedded import _schema
from maestro_workflow_engine.embedded._housekeeping import Housekeeping

_RETRY_FIRST_S = 0.05
_RETRY_LONGEST_S = 2.0
_INSERT_RUN = "INSERT INTO runs (key, id, workflow, version, status, created_us, parent_key, parent_seq) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
_INSERT_EVENT = "INSERT INTO history (run, position, event) VALUES (?, ?, ?)"
_TRUNCATE = "DELETE FROM history WHERE run = ? AND position < ?"
SET_STATUS = "UPDATE runs SET status = ?, finished_us = ?, parked = 0, wake_us = NULL WHERE key = ?"
PARK_RUN = "UPDATE runs SET parked = ?, wake_us = ? WHERE key = ?"
_logger = get_logger(__name__)

Statement = tuple[str, tuple[object, ...]]
"""SQL and its values."""


class NewRun(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A row of `runs` as it is first written."""

    key: int
    id: str
    workflow: str
    version: str
    status: str
    created_us: int
    parent_key: int | None
    parent_seq: int | None


class StatusChange(msgspec.Struct, frozen=True, gc=False):
    """Where a run stands now; `finished_us` is None unless it has ended."""

    key: int
    status: str
    finished_us: int | None = None


class Parking(IntEnum):
    """How a run left memory, as `runs.parked` has it."""

    NOT = 0
    """It is in memory, or was when the process died."""

    ASLEEP = 1
    """It only waits: for `wake_us`, or for somebody."""

    HELD = 2
    """Its workflow was paused; it may have something to do once that is over."""

    LEAVING = 3
    """It is on its way to another engine, which may not have it yet: nothing of it may be deleted."""


class Parked(msgspec.Struct, frozen=True, gc=False):
    """A run left memory (or, with `parked` NOT, came back)."""

    key: int
    parked: Parking
    wake_us: int | None = None


def nothing() -> None:
    """Be called when a write is on disk that nobody waits for."""


class Write(msgspec.Struct, gc=False):
    """What must reach the disk together.

    `on_durable` is called on the event loop once it has. A write that is retracted when the disk refuses it has
    `on_failed`; one without is tried again until it succeeds, for it holds work that was done already.
    """

    on_durable: Callable[[], None]
    new_run: NewRun | None = None
    events: list[tuple[int, int, bytes]] = []
    truncate: int | None = None
    status: StatusChange | None = None
    parked: Parked | None = None
    on_failed: Callable[[JournalWriteError], None] | None = None
    also: tuple[Statement, ...] = ()
    """Whatever else belongs to it; executed last, in order."""

    order: tuple[int | str, ...] = ()
    """Runs, by key, and names whose earlier writes go ahead of it, besides the runs of its events."""

    first: tuple[Statement, ...] = ()
    """What must be done before everything else in its transaction."""

    objects: dict[str, bytes] = {}
    """What must be in the payload store before, by digest."""


class Journal:
    """The single writer of a journal file. All methods but the thread's own are called on the event loop."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.failure: JournalWriteError | None = None
        self.commits = 0
        self._refuse_until = 0.0
        self._connection = _schema.connect(path)
        self._housekeeping = Housekeeping(path, self._connection)
        self._loop = asyncio.get_running_loop()
        self._queue: deque[Write] = deque()
        self._wanted = threading.Condition()
        self._closing = False
        self._is_idle = False
        self._begin()

    def _begin(self) -> None:
        self._thread = threading.Thread(target=self._run, name="maestro-journal", daemon=True)
        self._thread.start()

    def submit(self, write: Write) -> None:
        """Queue a write; it is committed with whatever else has gathered.

        Raises:
            EngineClosedError: The journal is closed.
        """
        if self._closing:
            raise EngineClosedError("the engine is closed")
        if self.failure is not None and write.on_failed is not None and time.monotonic() < self._refuse_until:
            write.on_failed(self.failure)
            return
        self._queue.append(write)
        if self._is_idle:  # else the writer looks at the queue before it waits
            with self._wanted:
                self._wanted.notify()

    async def close(self) -> None:
        """Write what is queued and stop. While the disk refuses, what is queued is given up after one more try."""
        self._closing = True
        with self._wanted:
            self._wanted.notify()
        await asyncio.to_thread(self._thread.join)
        self._connection.close()

    # ── on the writer thread ─────────────────────────────────────────────────────────────────────────────────────

    def _run(self) -> None:
        delay = _RETRY_FIRST_S
        while True:
            if not self._queue:
                self._wait()
            batch = [self._queue.popleft() for _ in range(len(self._queue))]
            if not batch:
                if self._closing:
                    return
                self._housekeeping.tidy()
                continue
            try:
                self._commit(batch)
            except sqlite3.Error as error:
                kept = self._refuse(batch, error)
                self._queue.extendleft(reversed(kept))
                if self._closing:
                    _logger.error(
                        "Journal closed with unwritten results; their steps run again", path=self.path, writes=len(kept)
                    )
                    return
                self._refuse_until = time.monotonic() + delay
                time.sleep(delay)
                delay = min(delay * 2, _RETRY_LONGEST_S)
                continue
            if self.failure is not None:
                _logger.info("Journal can be written again", path=self.path)
                self.failure = None
            delay = _RETRY_FIRST_S
            self._on_loop(_deliver, batch)

    def _wait(self) -> None:
        """Wait for a write, the end, or a quiet moment to tidy up in."""
        with self._wanted:
            self._is_idle = True  # before the queue is looked at: who queues a write looks at this afterwards
            while not self._queue and not self._closing:
                if not self._wanted.wait(self._housekeeping.wanted_after_s):
                    break
            self._is_idle = False

    def _commit(self, batch: list[Write]) -> None:
        new_runs = [msgspec.structs.astuple(w.new_run) for w in batch if w.new_run is not None]
        events = [row for w in batch for row in w.events]
        truncated = [(w.truncate, w.events[0][1]) for w in batch if w.truncate is not None]
        statuses = [(w.status.status, w.status.finished_us, w.status.key) for w in batch if w.status is not None]
        parked = [(int(w.parked.parked), w.parked.wake_us, w.parked.key) for w in batch if w.parked is not None]
        first = [statement for w in batch for statement in w.first]
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            for sql, values in first:
                self._connection.execute(sql, values)
            for statement, rows in (
                (_INSERT_RUN, new_runs),
                (_INSERT_EVENT, events),
                (_TRUNCATE, truncated),
                (SET_STATUS, statuses),
                (PARK_RUN, parked),
            ):
                if rows:
                    self._connection.executemany(statement, rows)
            for write in batch:
                for sql, values in write.also:
                    self._connection.execute(sql, values)
            crash_points.reach(crash_points.BEFORE_COMMIT)
            self._connection.execute("COMMIT")
            crash_points.reach(crash_points.AFTER_COMMIT)
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise
        self.commits += 1
        self._housekeeping.committed()

    def _refuse(self, batch: list[Write], error: sqlite3.Error) -> list[Write]:
        if self.failure is None:
            _logger.error("Journal cannot be written; retrying, nothing is lost", path=self.path, error=str(error))
        failure = JournalWriteError(
            self.path, f"journal {self.path} cannot be written: {error}. Free some space; it recovers by itself."
        )
        self.failure = failure
        for write in batch:
            if write.on_failed is not None:
                self._on_loop(write.on_failed, failure)
        return [write for write in batch if write.on_failed is None]

    def _on_loop(self, callback: Callable[..., object], *args: object) -> None:
        try:
            self._loop.call_soon_threadsafe(callback, *args)
        except RuntimeError:  # the loop is gone: the process is ending, and what was written stays written
            return


def _deliver(batch: list[Write]) -> None:
    for write in batch:
        write.on_durable()
