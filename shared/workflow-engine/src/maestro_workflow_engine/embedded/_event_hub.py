"""Events come in, and go to every run that listens for them: that, and the note that they have come, is one transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec

from maestro_core_logging import get_logger
from maestro_workflow_engine._cloud_events import cloud_event
from maestro_workflow_engine._errors import EngineClosedError, JournalCorruptError, PayloadError, WorkflowError
from maestro_workflow_engine._failure import describe
from maestro_workflow_engine._payload_errors import PayloadUnreadableError
from maestro_workflow_engine.embedded import _event_rows as rows
from maestro_workflow_engine.embedded._clock import Clock
from maestro_workflow_engine.embedded._journal import Statement, Write, nothing
from maestro_workflow_engine.embedded._live import LiveRun
from maestro_workflow_engine.embedded._outbox import Outbox
from maestro_workflow_engine.embedded._reader import JournalReader
from maestro_workflow_engine.embedded._sealing import Sealer
from maestro_workflow_engine.embedded._subscriptions import Subscriptions, readable
from maestro_workflow_engine.embedded._together import Together
from maestro_workflow_engine.embedded._uploads import Uploads
from maestro_workflow_engine.machine import _commands as cmd
from maestro_workflow_engine.machine import _events as ev

if TYPE_CHECKING:
    from maestro_workflow_engine.embedded._core import Core

_TIDY_EVERY = 1_000
_OWNER = "events"
_logger = get_logger(__name__)
_Key = tuple[str, str]


class EventHub:
    """The events of a journal.

    Args:
        core: What happens to runs.
        journal: Takes the writes.
        reader: Knows what has come before.
        sealer: Seals what is kept.
        clock: The time.
        outbox: Takes what runs publish, for the world outside.

    Attributes:
        outbox: The same.
    """

    def __init__(
        self, core: Core, journal: Uploads, reader: JournalReader, sealer: Sealer, clock: Clock, outbox: Outbox
    ) -> None:
        self._core = core
        self._journal = journal
        self._reader = reader
        self._sealer = sealer
        self._clock = clock
        self.outbox = outbox
        self._subscriptions = Subscriptions()
        self._under_way: dict[_Key, asyncio.Future[None]] = {}
        self._told: dict[int, int] = {}
        self._since_tidied = 0

    def recover(self) -> None:
        """Know again who listens."""
        for run, name, kept in self._reader.subscriptions():
            try:
                filters = self._sealer.open_value(_OWNER, name, kept)
            except PayloadUnreadableError as error:  # the run itself says it again once it is taken up
                _logger.error("Subscription cannot be read", key=run, problem=str(error), code=error.code)
                continue
            if readable(filters):
                self._subscriptions.put(run, name, filters)
        self._told = dict(self._reader.announced())

    def close(self) -> None:
        """Let go of those who wait for an event to be kept."""
        for waiting in self._under_way.values():
            if not waiting.done():
                waiting.set_exception(EngineClosedError("the engine closed before the event was on disk"))
                waiting.exception()  # whoever waits is told; nobody may be there

    # ── from outside ─────────────────────────────────────────────────────────────────────────────────────────────

    async def publish(self, event: dict[str, Any]) -> bool:
        """Take an event in; returns once it is on disk, with all that it means to runs.

        Args:
            event: The event, checked.

        Returns:
            Whether it is new: an event of the same source and id within the last seven days is the same event.

        Raises:
            PayloadError: It is too large to be kept.
            EngineClosedError: The engine closed before it was on disk.
        """
        key = _key(event)
        waiting = self._under_way.get(key)
        if waiting is not None:
            await asyncio.shield(waiting)
            return False
        if self._reader.has_event(*key):
            return False
        raw = self._checked(event)
        together = Together(self._core)
        self._take_in(event, raw, together)
        self._journal.submit(together.write())
        await asyncio.shield(self._under_way[key])
        return True

    # ── from runs ────────────────────────────────────────────────────────────────────────────────────────────────

    def emit(self, run: LiveRun, command: cmd.PublishEvent) -> None:
        """Publish an event on behalf of a workflow: that it has, and what it means to others, is one transaction."""
        together, now = Together(self._core), self._clock.now_us()
        try:
            event = cloud_event(msgspec.json.decode(command.event))
            raw = self._checked(event)
        except (WorkflowError, PayloadError) as error:
            self._core.append(run, ev.RequestFailed(now, command.seq, "", describe(error)))
            return
        self._leave(run, event, raw, together)
        together.add(run, ev.EventPublished(now, command.seq))
        self._journal.submit(together.write())

    def announce(self, run: LiveRun) -> None:
        """Publish what a run has to tell about itself, as far as it has not been told before."""
        if run.machine is None:
            return
        told, run.machine.told = run.machine.told, []
        known = self._told.get(run.key, 0)
        for number, data in told:
            if number <= known:
                continue
            event = cloud_event(msgspec.json.decode(data))
            self._told[run.key] = number
            together = Together(self._core)
            try:
                self._leave(run, event, self._checked(event), together)
            except PayloadError as error:
                _logger.error("Lifecycle event cannot be kept", run_id=run.id, type=event["type"], problem=str(error))
            together.also(rows.told(run.key, number))
            together.after(run)
            self._journal.submit(together.write())

    def report(self, run: LiveRun, event: dict[str, Any]) -> None:
        """Publish what somebody has done to a run."""
        together = Together(self._core)
        self._leave(run, cloud_event(event), self._checked(event), together)
        together.after(run)
        self._journal.submit(together.write())

    def subscribe(self, run: LiveRun, command: cmd.Subscribe) -> None:
        """Let a run hear events from now on."""
        if self._subscriptions.put(run.key, command.name, command.filters):
            kept = self._sealer.seal_value(_OWNER, command.name, command.filters)
            self._write(run, rows.subscribed(run.key, command.name, kept))

    def unsubscribe(self, run: LiveRun, name: str) -> None:
        """Let a run hear no more under a name."""
        if self._subscriptions.drop(run.key, name):
            self._write(run, rows.unsubscribed(run.key, name))

    def taken_up(self, run: LiveRun) -> None:
        """Forget what a run no longer listens for: it had stopped when the process died, and nobody had written that down."""
        if run.machine is None:
            return
        current = {} if run.machine.listening is None else run.machine.listening.open
        for name in self._subscriptions.names(run.key):
            if name not in current:
                self.unsubscribe(run, name)

    def ended(self, run: LiveRun) -> tuple[Statement, ...]:
        """Forget a run that ends.

        Returns:
            What is to reach the disk with its end.
        """
        names = self._subscriptions.names(run.key)
        for name in names:
            self._subscriptions.drop(run.key, name)
        return rows.silenced(run.key) if self._told.pop(run.key, 0) or names else ()

    # ── inside ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _checked(self, event: dict[str, Any]) -> msgspec.Raw:
        raw = msgspec.json.encode(event)
        self._sealer.check_size("event", raw)
        return msgspec.Raw(raw)

    def _leave(self, run: LiveRun, event: dict[str, Any], raw: msgspec.Raw, together: Together) -> None:
        """Take in an event of our own, unless it is known, and hand it to the outbox."""
        key = _key(event)
        waiting = self._under_way.get(key)
        if waiting is None and not self._reader.has_event(*key):
            self._take_in(event, raw, together)
            self.outbox.put(bytes(raw), run, together)

    def _take_in(self, event: dict[str, Any], raw: msgspec.Raw, together: Together) -> None:
        key, now = _key(event), self._clock.now_us()
        for run_key in self._subscriptions.matching(event):
            run = self._listener(run_key)
            if run is not None and not run.is_ending:
                together.add(run, ev.EventReceived(now, raw))
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._under_way[key] = done
        together.also(rows.arrived(event, now), *self._tidying(now))
        together.then(lambda: self._kept(key, done))

    def _listener(self, run_key: int) -> LiveRun | None:
        try:
            return self._core.residents.load(run_key)
        except JournalCorruptError as error:  # the event goes to the others
            _logger.error("Run cannot be taken up for an event", key=run_key, problem=str(error), code=error.code)
            return None

    def _kept(self, key: _Key, done: asyncio.Future[None]) -> None:
        del self._under_way[key]
        if not done.done():
            done.set_result(None)

    def _tidying(self, now: int) -> tuple[Statement, ...]:
        self._since_tidied += 1
        if self._since_tidied < _TIDY_EVERY:
            return ()
        self._since_tidied = 0
        return (rows.forgetting(now),)

    def _write(self, run: LiveRun, statement: Statement, then: Callable[[], None] | None = None) -> None:
        self._journal.submit(Write(then or nothing, also=(statement,), order=(run.key,)))


def _key(event: dict[str, Any]) -> _Key:
    return event["source"], event["id"]
