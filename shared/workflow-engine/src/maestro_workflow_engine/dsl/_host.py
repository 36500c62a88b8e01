"""What a run takes from whatever hosts it: an identity, a clock, chance and events, all the same on replay."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime
from typing import Any, Protocol

import msgspec

from maestro_workflow_engine import _inside
from maestro_workflow_engine._event_filter import Filters, encode_filters
from maestro_workflow_engine._records import moment
from maestro_workflow_engine.machine import WorkflowMachine, _eventing
from maestro_workflow_engine.machine._listening import Listener


class EventSource(Protocol):
    """Gives the events that a run listens for."""

    async def next(self) -> Mapping[str, Any]:
        """Return the next event, waiting for it."""

    def narrow(self, filters: Filters) -> None:
        """Listen for something else from now on."""


class Host(Protocol):
    """The surroundings of a run."""

    @property
    def run_id(self) -> str:
        """The run's id."""

    def now(self) -> datetime:
        """Return the current time, UTC."""

    def random(self) -> float:
        """Return a number from 0 up to 1."""

    def new_id(self) -> str:
        """Return an id that nothing else has."""

    async def emit(self, event: Mapping[str, Any]) -> None:
        """Publish an event; returns once it is kept."""

    def listen(self, filters: Filters) -> AbstractAsyncContextManager[EventSource]:
        """Listen for events within the block."""

    def announce(self, event: Mapping[str, Any]) -> None:
        """Publish an event about the run itself, without waiting."""

    def on_steered(self, callback: Callable[[str], None]) -> None:
        """Call back with "suspended" or "resumed" when somebody pauses the run or lets it go on."""


class EngineHost:
    """The engine, inside a running workflow."""

    def __init__(self) -> None:
        self._machine = _inside.machine_of("EngineHost")

    @property
    def run_id(self) -> str:
        """The run's id."""
        return self._machine.run_id

    def now(self) -> datetime:
        """Return the workflow's time."""
        return moment(self._machine.now_us)

    def random(self) -> float:
        """Return a number that is the same in every replay."""
        return _inside.random().random()

    def new_id(self) -> str:
        """Return a UUID that is the same in every replay."""
        return str(_inside.uuid4())

    async def emit(self, event: Mapping[str, Any]) -> None:
        """Publish an event; what it means to other runs is one transaction with the note that it was published."""
        await _eventing.publish(self._machine, msgspec.Raw(msgspec.json.encode(event)))

    @asynccontextmanager
    async def listen(self, filters: Filters) -> AsyncIterator[EventSource]:
        """Listen for events within the block."""
        async with _eventing.listening(self._machine, encode_filters(filters)) as listener:
            yield _Heard(self._machine, listener)

    def announce(self, event: Mapping[str, Any]) -> None:
        """Publish an event about the run itself: at least once, under the same id."""
        _eventing.announce(self._machine, msgspec.Raw(msgspec.json.encode(event)))

    def on_steered(self, callback: Callable[[str], None]) -> None:
        """Call back when somebody pauses the run or lets it go on."""
        self._machine.on_steered = callback


class _Heard:
    def __init__(self, machine: WorkflowMachine, listener: Listener) -> None:
        self._machine = machine
        self._listener = listener

    async def next(self) -> Mapping[str, Any]:
        return await self._listener.next()

    def narrow(self, filters: Filters) -> None:
        _eventing.narrow(self._machine, self._listener, encode_filters(filters))
