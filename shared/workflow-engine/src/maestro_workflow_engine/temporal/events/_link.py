"""What one run has to do with events: it tells the hub what it listens for, and hears what the hub sends it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from temporalio import exceptions as te
from temporalio import workflow as temporal
from temporalio.common import RetryPolicy

from maestro_workflow_engine._event_filter import decode_filters, encode_filters
from maestro_workflow_engine.machine import _commands as cmd
from maestro_workflow_engine.machine import _events as ev
from maestro_workflow_engine.machine._listening import Listener
from maestro_workflow_engine.machine._pending import Wait
from maestro_workflow_engine.temporal._failures import detail_of
from maestro_workflow_engine.temporal._wire import packed
from maestro_workflow_engine.temporal.events._wire import (
    LONGEST,
    NOBODY,
    SILENCE,
    TELL,
    Heard,
    Listens,
    Published,
    TooLarge,
    Word,
    hub_of,
)

_AGAIN = RetryPolicy()
MOST_EVENT_BYTES: Final = 1_000_000
"""The largest event of an engine without a payload store."""


@dataclass(frozen=True, slots=True)
class EventOptions:
    """What a worker's runs need to know of events."""

    has_sink: bool = False
    """Whether what they publish goes to a sink as well. Default: it does not."""

    limit_bytes: int | None = MOST_EVENT_BYTES
    """The largest event, as JSON; None for any. Default: 1 MB."""

    def problem_of(self, event: bytes) -> str | None:
        """Return why an event is too large; None for one that is not."""
        if self.limit_bytes is None or len(event) <= self.limit_bytes:
            return None
        return (
            f"the event of {len(event):,} bytes is too large for the cluster, which keeps up to {self.limit_bytes:,} bytes: "
            "give the engine a payload_store"
        )


class HubLink:
    """Listening and publishing of one run. What it says reaches the hub in the order in which it was said.

    Args:
        run_id: The run.
        task_queue: The task queue of the run.
        options: Sink and limits.
        listening: What the pass before listened for, when there was one.
        heard: The number of the last event that the run has heard.
        since: The version of what the run listened for at first; 0 when it has not listened yet.
        trace: The run's W3C traceparent; None when it was started outside any trace.

    Attributes:
        heard: The same, as it goes on.
        since: The same.
        listening: What the hub knows that the run listens for.
    """

    def __init__(
        self,
        run_id: str,
        task_queue: str,
        options: EventOptions,
        *,
        listening: bytes = NOBODY,
        heard: int = 0,
        since: int = 0,
        trace: str | None = None,
    ) -> None:
        self._id = run_id
        self._trace = trace
        self._queue = hub_of(task_queue)
        self._options = options
        self.heard, self.since = heard, since
        self.listening = self._wanted = listening
        self._names: frozenset[str] = frozenset()
        self._known: frozenset[str] = frozenset()
        self._told: list[msgspec.Raw] = []
        self._work: asyncio.Task[None] | None = None
        self._version = 0
        self._calls = 0
        self._publishing = 0

    # ── listening ────────────────────────────────────────────────────────────────────────────────────────────────

    def change(self, listeners: Iterable[Listener]) -> None:
        """Listen for what these want from now on, and for nothing else."""
        current = list(listeners)
        filters = tuple(each for listener in current for each in decode_filters(listener.filters))
        self._wanted = encode_filters(filters)
        self._names = frozenset(listener.name for listener in current)
        if self._wanted == self.listening and self._work is None:
            self._known = self._names
        else:
            self._begin()

    def waits(self, waits: list[Wait], listeners: Iterable[Listener]) -> list[Wait]:
        """Return what the run waits for: a listener that the hub does not know yet is no listener."""
        named = [listener.name for listener in listeners]
        known = iter([name in self._known for name in named])
        return [each if each.kind != "event" or next(known, True) else Wait("request", "event") for each in waits]

    @property
    def is_listening(self) -> bool:
        """Whether the hub knows of something that the run listens for."""
        return self.listening != NOBODY

    @property
    def is_at_rest(self) -> bool:
        """Whether nothing is on its way to the hub."""
        return self._work is None and not self._publishing

    @property
    def is_beginning(self) -> bool:
        """Whether the run has begun to listen and the hub does not know it yet: nothing else may begin before."""
        return not self._names <= self._known

    async def then(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something once it does: what comes of that may be the very event."""
        try:
            await temporal.wait_condition(lambda: not self.is_beginning)
        except BaseException:
            work.close()
            raise
        await work

    def hears(self, heard: Heard) -> ev.EventReceived | None:
        """Return what an event is to the machine; None for one that it has heard before, or that was for another run of its id."""
        if heard.number <= self.heard or not self.since or heard.version < self.since:
            return None
        self.heard = heard.number
        return ev.EventReceived(_now_us(), heard.event)

    # ── publishing ───────────────────────────────────────────────────────────────────────────────────────────────

    def publish(self, command: cmd.PublishEvent) -> Coroutine[Any, Any, ev.Event]:
        """Return what publishes an event and gives what came of it: the run does not end before."""
        self._publishing += 1
        return self._published(command)

    async def _published(self, command: cmd.PublishEvent) -> ev.Event:
        reason = self._options.problem_of(bytes(command.event))
        message: Word = self._leaving(command.event) if reason is None else TooLarge(reason)
        try:
            await self._tell([message], str(command.seq))
        except te.ActivityError as error:
            if isinstance(error.cause, te.CancelledError):
                raise asyncio.CancelledError from error
            return ev.RequestFailed(_now_us(), command.seq, "", detail_of(error).failure)
        finally:
            self._publishing -= 1
        return ev.EventPublished(_now_us(), command.seq)

    def announce(self, events: Iterable[msgspec.Raw]) -> None:
        """Publish events about the run itself, beside its work."""
        self._told += [event for event in events if self._options.problem_of(bytes(event)) is None]
        if self._told:
            self._begin()

    # ── the end ──────────────────────────────────────────────────────────────────────────────────────────────────

    async def leave(self) -> None:
        """Listen no more; returns once the hub knows."""
        self._wanted, self._names = NOBODY, frozenset()
        if self._wanted != self.listening:
            self._begin()
        await self.rest()

    async def rest(self) -> None:
        """Return once nothing is on its way to the hub. The next pass goes on listening."""
        await temporal.wait_condition(lambda: self.is_at_rest)

    # ── inside ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _leaving(self, event: msgspec.Raw) -> Published:
        return Published(event, self._options.has_sink, self._id, self._trace)

    def _begin(self) -> None:
        if self._work is None:
            self._work = asyncio.get_running_loop().create_task(self._keep_up())

    async def _keep_up(self) -> None:
        while self._wanted != self.listening or self._told:
            wanted, names = self._wanted, self._names
            told, self._told = _cut(self._told, self._options.limit_bytes or MOST_EVENT_BYTES)
            messages: list[Word] = [self._leaving(event) for event in told]
            if wanted != self.listening:
                self._version = max(_now_us(), self._version + 1)
                self.since = self.since or self._version
                messages.append(Listens(self._id, self._version, msgspec.Raw(wanted)))
            self._calls += 1
            await self._tell(messages, f"events {self._calls}")
            self.listening, self._known = wanted, names
        self._known = self._names
        self._work = None

    async def _tell(self, messages: list[Word], call: str) -> None:
        await temporal.execute_activity(
            TELL,
            packed(messages),
            activity_id=call,
            task_queue=self._queue,
            start_to_close_timeout=LONGEST,
            heartbeat_timeout=SILENCE,
            retry_policy=_AGAIN,
        )


def _cut(events: list[msgspec.Raw], most_bytes: int) -> tuple[list[msgspec.Raw], list[msgspec.Raw]]:
    size = count = 0
    for event in events:
        size += len(bytes(event))
        if count and size > most_bytes // 2:
            break
        count += 1
    return events[:count], events[count:]


def _now_us() -> int:
    return temporal.time_ns() // 1000
