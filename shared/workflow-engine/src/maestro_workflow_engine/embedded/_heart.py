"""Signs of life of running steps: what was said last is kept in a small table of its own, now and then."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from maestro_workflow_engine._errors import JournalWriteError
from maestro_workflow_engine._step_info import RunningAttempt
from maestro_workflow_engine.embedded._journal import Statement, Write, nothing
from maestro_workflow_engine.embedded._live import LiveRun
from maestro_workflow_engine.embedded._reader import JournalReader
from maestro_workflow_engine.embedded._sealing import Sealer
from maestro_workflow_engine.embedded._surroundings import Surroundings
from maestro_workflow_engine.embedded._uploads import Uploads
from maestro_workflow_engine.machine import _events as ev
from maestro_workflow_engine.machine._pending import Wait

_LONGEST_INTERVAL_S = 1.0
_KEEP = (
    "INSERT INTO heartbeats (run, seq, time_us, details) VALUES (?, ?, ?, ?)"
    " ON CONFLICT (run, seq) DO UPDATE SET time_us = excluded.time_us, details = excluded.details"
)
_FORGET = "DELETE FROM heartbeats WHERE run = ? AND seq = ?"
_FORGET_ALL = "DELETE FROM heartbeats WHERE run = ?"


@dataclass(slots=True, eq=False)
class _Pulse:
    """An attempt that has given a sign of life."""

    attempt: RunningAttempt
    interval_s: float
    kept: tuple[int, msgspec.Raw] | None = None
    kept_at: float = float("-inf")
    is_writing: bool = False
    timer: asyncio.TimerHandle | None = None

    @property
    def is_kept(self) -> bool:
        return self.attempt.latest is self.kept


class Heart:
    """Takes signs of life, keeps them, and gives them back to later attempts.

    Args:
        journal: Writes them.
        reader: Reads them.
        sealer: Seals the details; they are small, and never go to a payload store.
        surroundings: The clock.
        find: Returns a live run by id.
    """

    def __init__(
        self,
        journal: Uploads,
        reader: JournalReader,
        sealer: Sealer,
        surroundings: Surroundings,
        find: Callable[[str], LiveRun | None],
    ) -> None:
        self._journal = journal
        self._reader = reader
        self._sealer = sealer
        self._clock = surroundings.clock
        self._find = find
        self._loop = asyncio.get_running_loop()
        self._pulses: dict[int, dict[int, _Pulse]] = {}
        self._rows: dict[int, set[int]] = {}
        for run, seq in reader.heartbeat_places():
            self._rows.setdefault(run, set()).add(seq)

    @property
    def is_still(self) -> bool:
        """Whether no step has given a sign of life: there is nothing to do then."""
        return not (self._pulses or self._rows)

    # ── for running steps ────────────────────────────────────────────────────────────────────────────────────────

    def beat(self, attempt: RunningAttempt, details: msgspec.Raw) -> None:
        """Take a sign of life, on any thread."""
        self._sealer.check_small("heartbeat", bytes(details))
        attempt.latest = (self._clock.now_us(), details)
        if attempt.silence is not None:
            attempt.silence.beat()
        if not attempt.is_noticed:
            attempt.is_noticed = True
            try:
                self._loop.call_soon_threadsafe(self._notice, attempt)
            except RuntimeError:
                raise asyncio.CancelledError("the engine's event loop has ended") from None

    def recall(self, attempt: RunningAttempt) -> msgspec.Raw | None:
        """Return what an attempt of the same step last said, on any thread."""
        if attempt.seq not in self._rows.get(attempt.run_key, ()):
            return None
        row = self._reader.heartbeat(attempt.run_key, attempt.seq)
        return None if row is None else self._open(attempt.run_id, attempt.seq, row[1])

    # ── for those who run and end steps ──────────────────────────────────────────────────────────────────────────

    def hear(self, attempt: RunningAttempt) -> None:
        """Take in the first sign of life of an attempt that is ending, should it be on the way still."""
        if attempt.seq not in self._pulses.get(attempt.run_key, ()):
            self._notice(attempt)

    def ended(self, run: LiveRun, event: ev.Event, seq: int) -> tuple[Statement, ...]:
        """Take note of an attempt's end: what it said last is kept for the next one, or goes with the step's last event.

        Returns:
            What is to reach the disk with the event.
        """
        pulse = self._pop(run.key, seq)
        if isinstance(event, ev.StepRetrying):
            if pulse is not None and not pulse.is_kept:
                self._keep(pulse)
            return ()
        return ((_FORGET, (run.key, seq)),) if self._pop_row(run.key, seq) else ()

    def withdrawn(self, run: LiveRun, seq: int) -> None:
        """Forget a step that nobody waits for any more."""
        self._pop(run.key, seq)
        if self._pop_row(run.key, seq):
            self._journal.submit(Write(nothing, also=((_FORGET, (run.key, seq)),), order=(run.key,)))

    def stop(self, run: LiveRun) -> None:
        """Tell the attempts of a run that they no longer count; what they said stays for the next ones."""
        for seq in list(self._pulses.get(run.key, ())):
            self._pop(run.key, seq)

    def purge(self, run: LiveRun) -> tuple[Statement, ...]:
        """Return what removes all that steps of a run have said: its pass is over."""
        self.stop(run)
        return ((_FORGET_ALL, (run.key,)),) if self._rows.pop(run.key, None) else ()

    def close(self) -> None:
        """Keep what is not kept yet."""
        for pulses in list(self._pulses.values()):
            for pulse in list(pulses.values()):
                self._pop(pulse.attempt.run_key, pulse.attempt.seq)
                if not pulse.is_kept:
                    self._keep(pulse)

    def described(self, run_id: str, key: int, waits: list[Wait]) -> list[Wait]:
        """Return what a run waits for, with the last sign of life of each step."""
        return [self._described(run_id, key, wait) for wait in waits]

    # ── inside ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _notice(self, attempt: RunningAttempt) -> None:
        run = self._find(attempt.run_id)
        if attempt.is_stopped or run is None or attempt.seq not in run.steps:
            return
        pulses = self._pulses.setdefault(attempt.run_key, {})
        pulse = pulses.get(attempt.seq)
        if pulse is None:
            limit = attempt.heartbeat_timeout
            interval = _LONGEST_INTERVAL_S if limit is None else min(_LONGEST_INTERVAL_S, limit.total_seconds() / 3)
            pulse = pulses[attempt.seq] = _Pulse(attempt, interval)
        self._look(pulse)

    def _look(self, pulse: _Pulse) -> None:
        pulse.timer = None
        wait = pulse.kept_at + pulse.interval_s - self._loop.time()
        if wait > 0:
            pulse.timer = self._loop.call_later(wait, self._look, pulse)
        elif not pulse.is_writing:  # otherwise the end of that write looks again
            self._keep(pulse)

    def _keep(self, pulse: _Pulse) -> None:
        attempt = pulse.attempt
        attempt.is_noticed = False  # before it is read, so that the next beat is not missed
        latest = attempt.latest
        if latest is None:
            return
        sealed = self._sealer.seal_value(attempt.run_id, f"heartbeat {attempt.seq}", bytes(latest[1]))
        pulse.kept, pulse.kept_at, pulse.is_writing = latest, self._loop.time(), True
        self._rows.setdefault(attempt.run_key, set()).add(attempt.seq)

        def done() -> None:
            pulse.is_writing = False
            if not pulse.is_kept and pulse.timer is None and self._is_beating(pulse):
                self._look(pulse)

        def failed(_error: JournalWriteError) -> None:  # the next one may get through
            done()

        statement = (_KEEP, (attempt.run_key, attempt.seq, latest[0], sealed))
        self._journal.submit(Write(done, also=(statement,), order=(attempt.run_key,), on_failed=failed))

    def _is_beating(self, pulse: _Pulse) -> bool:
        return self._pulses.get(pulse.attempt.run_key, {}).get(pulse.attempt.seq) is pulse

    def _pop(self, key: int, seq: int) -> _Pulse | None:
        pulses = self._pulses.get(key)
        pulse = pulses.pop(seq, None) if pulses else None
        if pulse is None:
            return None
        if not pulses:
            del self._pulses[key]
        if pulse.timer is not None:
            pulse.timer.cancel()
        pulse.attempt.is_stopped = True
        return pulse

    def _pop_row(self, key: int, seq: int) -> bool:
        rows = self._rows.get(key)
        if rows is None or seq not in rows:
            return False
        rows.discard(seq)
        if not rows:
            del self._rows[key]
        return True

    def _described(self, run_id: str, key: int, wait: Wait) -> Wait:
        if wait.kind != "step" or wait.seq is None:
            return wait
        pulse = self._pulses.get(key, {}).get(wait.seq)
        latest = None if pulse is None else pulse.attempt.latest
        if latest is None and wait.seq in self._rows.get(key, ()):
            row = self._reader.heartbeat(key, wait.seq)
            latest = None if row is None else (row[0], self._open(run_id, wait.seq, row[1]))
        if latest is None:
            return wait
        details: Any = msgspec.json.decode(latest[1])
        return msgspec.structs.replace(wait, last_heartbeat_at=latest[0], last_heartbeat=details)

    def _open(self, run_id: str, seq: int, sealed: bytes) -> msgspec.Raw:
        return msgspec.Raw(self._sealer.open_value(run_id, f"heartbeat {seq}", sealed))
