"""Events of several runs that reach the disk in one transaction."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from maestro_workflow_engine.embedded._journal import PARK_RUN, SET_STATUS, Parked, Statement, StatusChange, Write
from maestro_workflow_engine.embedded._live import LiveRun
from maestro_workflow_engine.machine import _events as ev

if TYPE_CHECKING:
    from maestro_workflow_engine.embedded._core import Core


class Together:
    """Collects what is to be written; `write` returns it. Once it is on disk, everything happens in the order it was added."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._events: list[tuple[int, int, bytes]] = []
        self._also: list[Statement] = []
        self._order: list[int] = []
        self._objects: dict[str, bytes] = {}
        self._then: list[Callable[[], None]] = []
        self._parked: Parked | None = None
        self._status: StatusChange | None = None

    def add(self, run: LiveRun, event: ev.Event) -> None:
        """Let an event happen to a run.

        Raises:
            PayloadError: It is too large to be kept; nothing was added.
        """
        event, position = self.place(run, event)
        self.wake(run)
        if isinstance(event, ev.ARRIVALS):  # one that waits to start over takes it along
            run.arriving += 1
        self.then(partial(self._happened, run, event, position))

    def end(self, run: LiveRun, event: ev.Event) -> ev.Event:
        """Place a run's last event; what follows from it is up to the caller.

        Returns:
            The event as it is kept, which may tell of a refusal instead.
        """
        event, _ = self.place(run, event)
        run.is_ending = True
        return event

    def place(self, run: LiveRun, event: ev.Event) -> tuple[ev.Event, int]:
        """Give an event the next position of its run.

        Returns:
            The event as it is kept, and its position.
        """
        event, data = self._core.seal(run, run.next_position, event, self._objects)
        position = self._core.reserve(run)
        self._events.append((run.key, position, data))
        return event, position

    def place_sealed(self, run: LiveRun, rows: list[bytes], objects: dict[str, bytes]) -> list[int]:
        """Give events that are sealed for it already the next positions of a run, and return these."""
        self._objects.update(objects)
        positions = [self._core.reserve(run) for _ in rows]
        self._events += [(run.key, position, data) for position, data in zip(positions, rows, strict=True)]
        return positions

    def status(self, change: StatusChange) -> None:
        """Give a run another status."""
        if self._status is None:
            self._status = change
        else:
            self.also((SET_STATUS, (change.status, change.finished_us, change.key)))

    def also(self, *statements: Statement) -> None:
        """Write something else with it."""
        self._also += statements

    def after(self, run: LiveRun) -> None:
        """Let earlier writes of a run go ahead."""
        self._order.append(run.key)

    def then(self, callback: Callable[[], None]) -> None:
        """Call back once it is on disk."""
        self._then.append(callback)

    def write(self) -> Write:
        """Return what is to be written."""

        def durable() -> None:
            for callback in self._then:
                callback()

        return Write(
            durable,
            events=self._events,
            status=self._status,
            parked=self._parked,
            also=tuple(self._also),
            order=tuple(self._order),
            objects=self._objects,
        )

    def _happened(self, run: LiveRun, event: ev.Event, position: int) -> None:
        if isinstance(event, ev.ARRIVALS):
            run.arriving -= 1
        self._core.happened(run, event, position)

    def wake(self, run: LiveRun) -> None:
        """Take a run out of its sleep on disk, should it sleep there."""
        parked = self._core.unpark(run)
        if self._parked is None:
            self._parked = parked
        elif parked is not None:
            self.also((PARK_RUN, (parked.parked, parked.wake_us, parked.key)))
