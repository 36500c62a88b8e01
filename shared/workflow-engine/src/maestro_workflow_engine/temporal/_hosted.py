"""The one Temporal workflow that hosts every workflow of an engine."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import msgspec
from temporalio import exceptions as te
from temporalio import workflow as temporal
from temporalio.common import RawValue

from maestro_workflow_engine._definitions import WorkflowDefinition
from maestro_workflow_engine._errors import EngineClosedError
from maestro_workflow_engine._registry import WorkflowRegistry
from maestro_workflow_engine.machine import _commands as cmd
from maestro_workflow_engine.machine import _events as ev
from maestro_workflow_engine.temporal._address import TemporalAddress
from maestro_workflow_engine.temporal._driver import Driver, is_cancelled
from maestro_workflow_engine.temporal._failures import run_failure
from maestro_workflow_engine.temporal._search import memo_of, search_attributes_of
from maestro_workflow_engine.temporal._steps import Steps
from maestro_workflow_engine.temporal._wire import (
    PAUSE,
    RESUME,
    STATE,
    VERSION_MARK,
    Start,
    cancel_reason,
    json_of,
    packed,
    raw,
    unpacked,
)
from maestro_workflow_engine.temporal.events._link import EventOptions, HubLink
from maestro_workflow_engine.temporal.events._wire import HEARD, Heard


@dataclass(frozen=True, slots=True)
class House:
    """What the hosted runs of one worker share."""

    registry: WorkflowRegistry
    """The workflows it can run."""

    steps: Steps
    """The steps it has met."""

    address: TemporalAddress
    """The cluster."""

    events: EventOptions = field(default_factory=EventOptions)
    """What its runs need to know of events."""

    drivers: set[Driver] = field(default_factory=set)
    """The runs that are in its memory."""

    def threads(self, count: int) -> ThreadPoolExecutor:
        """Return the threads on which the worker's runs are driven, each by one at a time."""

        def settle() -> None:
            _here.house = self

        return ThreadPoolExecutor(count, thread_name_prefix="maestro-temporal", initializer=settle)

    def clear(self) -> None:
        """Free the memory of runs that the worker still has, once it has stopped: the SDK leaves that to chance."""
        for driver in list(self.drivers):
            driver.drop()
        self.drivers.clear()


class _Here(threading.local):
    """What hosted runs find on the threads of their worker: Temporal makes their objects itself and hands them nothing."""

    house: House | None = None


_here = _Here()


def _hand_on(driver: Driver, name: str, args: Sequence[RawValue]) -> None:
    if name == PAUSE:
        driver.pause()
    elif name == RESUME:
        driver.resume()
    elif name == HEARD:
        driver.hear(msgspec.json.decode(bytes(json_of(args)), type=Heard))
    else:
        driver.signal(name, json_of(args))


@temporal.defn(dynamic=True)
class HostedRun:
    """A run."""

    def __init__(self) -> None:
        if _here.house is None:
            raise EngineClosedError("a hosted run was started outside its worker")
        self._house: House = _here.house
        self._driver: Driver | None = None
        self._early: list[tuple[str, Sequence[RawValue]]] = []
        """Signals that came before the run began."""

    @temporal.run
    async def run(self, args: Sequence[RawValue]) -> RawValue:
        """Run the workflow to its end."""
        start = unpacked(args, 1, Start)
        await _until(start.not_before_us)
        definition = self._definition(start.version)
        address = self._house.address
        link = HubLink(
            temporal.info().workflow_id,
            address.task_queue,
            self._house.events,
            listening=start.listening.encode(),
            heard=start.heard,
            since=start.since,
            trace=start.trace,
        )
        self._driver = driver = Driver(definition, start, self._house.steps, address, link)
        self._house.drivers.add(driver)
        try:
            driver.begin(json_of(args))
            for name, given in self._early:
                _hand_on(driver, name, given)
            return raw(await self._to_the_end(driver, definition, start))
        finally:
            driver.drop()  # it has ended, or leaves this worker's memory
            self._house.drivers.discard(driver)

    async def _to_the_end(self, driver: Driver, definition: WorkflowDefinition[..., Any], start: Start) -> msgspec.Raw:
        while True:
            try:
                await driver.over()
                break
            except asyncio.CancelledError:
                temporal.random()  # the SDK cancels what leaves its memory, too: there each call of it ends the task
                driver.cancel(cancel_reason(temporal.cancellation_reason() or ""))
        while (work := driver.parting()) is not None:
            await self._to_its_end(work, driver)
        await temporal.wait_condition(temporal.all_handlers_finished)
        match driver.end:
            case cmd.CompleteRun(output):
                return output
            case cmd.FailRun(failure):
                raise run_failure(failure)
            case cmd.ContinueRun() as end:
                self._continue(driver, definition, start, end)
        raise asyncio.CancelledError

    @staticmethod
    async def _to_its_end(work: Coroutine[Any, Any, None], driver: Driver) -> None:
        task = asyncio.get_running_loop().create_task(work)
        while not task.done():
            try:
                await asyncio.shield(task)
            except asyncio.CancelledError:
                temporal.random()  # as above
                driver.cancel(cancel_reason(temporal.cancellation_reason() or ""))

    @temporal.signal(dynamic=True)
    async def on_signal(self, name: str, args: Sequence[RawValue]) -> None:
        """Take a signal, the host's own included; at once, so that a request to cancel that came later does not overtake it."""
        if self._driver is None:
            self._early.append((name, args))
        else:
            _hand_on(self._driver, name, args)

    @temporal.update(dynamic=True)
    async def on_update(self, name: str, args: Sequence[RawValue]) -> RawValue:
        """Take an update and answer it."""
        await temporal.wait_condition(lambda: self._driver is not None)
        assert self._driver is not None
        info = temporal.current_update_info()
        assert info is not None
        return raw(await self._driver.update(info.id, name, json_of(args)))

    @temporal.query(dynamic=True)
    def on_query(self, name: str, args: Sequence[RawValue]) -> RawValue:
        """Tell what was published under a name, or where the run stands."""
        if self._driver is None:
            raise te.ApplicationError("the run has not begun", type="QueryNotFound")
        state = self._driver.state
        if name == STATE:
            return packed(state)
        if name not in state.published:
            there = ", ".join(sorted(state.published)) or "nothing"
            raise te.ApplicationError(f"the run has not published {name!r}; published: {there}", type="QueryNotFound")
        return raw(state.published[name])

    def _definition(self, version: str | None) -> WorkflowDefinition[..., Any]:
        name = temporal.info().workflow_type
        if version is not None:
            return self._house.registry.find(name, version)
        # Another client started it without one: the choice is recorded as a marker, so that a replay makes it again.
        latest = self._house.registry.find(name)
        for known in reversed([each.version for each in self._house.registry if each.name == name]):
            if temporal.patched(f"{VERSION_MARK}{known}"):
                return self._house.registry.find(name, known)
        return latest

    def _continue(
        self, driver: Driver, definition: WorkflowDefinition[..., Any], start: Start, end: cmd.ContinueRun
    ) -> None:
        if is_cancelled(end):
            return
        arrived = [(event.name, event.payload) for event in end.arrived if isinstance(event, ev.SignalReceived)]
        again = Start(
            definition.version,
            start.trace,
            driver.last_seq,
            (*end.signals, *arrived),
            temporal.random().getrandbits(62),
            attributes=driver.attributes or None,
            searchable=start.searchable,
            parent_id=start.parent_id,
            moved_from=start.moved_from,
            events=tuple(event.event for event in end.arrived if isinstance(event, ev.EventReceived)),
            heard=driver.link.heard,
            since=driver.link.since,
            listening=driver.link.listening.decode(),
        )
        temporal.continue_as_new(
            args=[raw(end.input), packed(again)], memo=memo_of(again), search_attributes=search_attributes_of(again)
        )


async def _until(time_us: int) -> None:
    """Wait for the time when a run is to begin; a signal makes the cluster run it earlier."""
    left = timedelta(microseconds=time_us - temporal.time_ns() // 1000)
    if left > timedelta(0):
        await temporal.sleep(left, summary="start 0")
