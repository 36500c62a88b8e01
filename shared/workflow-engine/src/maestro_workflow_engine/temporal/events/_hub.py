"""The hub of a task queue's events: one workflow of the cluster, which every worker of the queue can host.

It takes messages in rounds: first what runs listen for, then events, as many as it can answer for. Messages that have not been
answered have no order, because each sender waits for the answer to one before it sends the next.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import msgspec
from temporalio import exceptions as te
from temporalio import workflow as temporal
from temporalio.common import RawValue, RetryPolicy

from maestro_workflow_engine._errors import EngineClosedError
from maestro_workflow_engine.temporal._wire import json_of, packed, unpacked
from maestro_workflow_engine.temporal.events._state import Arrival, HubState
from maestro_workflow_engine.temporal.events._wire import (
    BUSY,
    CLOSED,
    DELIVER,
    FORWARD,
    HUB,
    LONGEST,
    MATCH,
    MEASURE,
    SILENCE,
    TAKE,
    Answer,
    Batch,
    Published,
    shelved,
    unshelved,
)

LONGEST_EVENTS = 4_000
"""How long a pass's history grows before the next one begins."""

LONGEST_BYTES = 8_000_000
"""The same in bytes."""

MOST_BATCHES = 1_000
"""The same in updates: a cluster takes 2,000 of one run."""

_AGAIN = RetryPolicy(initial_interval=timedelta(milliseconds=100), maximum_interval=timedelta(seconds=10))
_AGAIN_FORWARD = RetryPolicy(initial_interval=timedelta(milliseconds=100), maximum_interval=timedelta(seconds=30))
_CHECKED_A_PASS = 500
_MANY = 5_000
_MOMENT = timedelta(milliseconds=1)


class Hubs:
    """The hubs that a worker has in its memory, by execution: there is one, or for a moment two."""

    def __init__(self) -> None:
        self.open: dict[str, EventHub] = {}

    def threads(self) -> ThreadPoolExecutor:
        """Return the threads on which hubs are driven, each by one at a time."""

        def settle() -> None:
            _here.hubs = self

        return ThreadPoolExecutor(2, thread_name_prefix="maestro-events", initializer=settle)


class _Here(threading.local):
    hubs: Hubs | None = None


_here = _Here()


@dataclass(slots=True)
class _Asked:
    """A batch that waits for its round."""

    id: str
    batch: Batch
    done: asyncio.Future[tuple[Answer, ...]]
    answers: dict[int, Answer] = field(default_factory=dict)
    """By place in the batch."""


@temporal.defn(name=HUB)
class EventHub:
    """The hub. Its input is what the pass before knew."""

    @temporal.init
    def __init__(self, kept: RawValue) -> None:
        if _here.hubs is None:
            raise EngineClosedError("an event hub was started outside its worker")
        self._hubs = _here.hubs
        self._state = HubState(unshelved(kept), _now_us())
        self._asked: list[_Asked] = []
        self._events: deque[tuple[_Asked, int, Published]] = deque()
        self._batches = 0
        self._errands = 0
        self._is_in_round = False
        self._tasks: list[asyncio.Task[None]] = []
        self._fault: BaseException | None = None
        self.arrivals: list[Arrival] = []
        """What the local activity MATCH is to match; nothing changes while it does."""

    @property
    def state(self) -> HubState:
        """What it knows, for its local activities: they run in the same process."""
        return self._state

    @temporal.run
    async def run(self, kept: RawValue) -> None:
        """Take messages until the history is long, then begin anew."""
        del kept
        me = temporal.info().run_id
        self._hubs.open[me] = self
        try:
            self._begin(self._rounds(), self._deliver(), self._forward(), self._check())
            while not self._may_go:
                try:
                    await temporal.wait_condition(lambda: self._may_go or self._fault is not None)
                except asyncio.CancelledError:  # who asks the hub to stop is not heard: runs listen
                    temporal.random()  # when it leaves this worker's memory, this call ends the task
                if self._fault is not None:  # of the hub itself: the cluster tries again until that is mended
                    raise self._fault
            for task in self._tasks:
                task.cancel()
            temporal.continue_as_new(args=[shelved(self._state.kept())])
        finally:
            if self._hubs.open.get(me) is self:
                del self._hubs.open[me]

    @temporal.update(name=TAKE)
    async def take(self, given: RawValue) -> RawValue:
        """Take a batch of messages; answered once it is kept what they mean."""
        info = temporal.current_update_info()
        assert info is not None
        known = self._state.answered(info.id)
        if known is None:
            batch = unpacked([given], 0, Batch)
            asked = _Asked(info.id, batch, asyncio.get_running_loop().create_future())
            self._asked.append(asked)
            known = await asked.done
        return packed(known)

    @take.validator
    def _check_open(self, given: RawValue) -> None:
        del given
        if self._is_long:
            raise te.ApplicationError("the event hub begins anew in a moment", type=BUSY)

    # ── rounds ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def _rounds(self) -> None:
        while True:
            await temporal.wait_condition(lambda: bool(self._asked) or (bool(self._events) and self._may_take))
            self._is_in_round = True
            await self._take_listeners()
            if self._events and self._may_take:
                await self._take_events()
            self._is_in_round = False

    @property
    def _may_take(self) -> bool:
        return self._is_long or self._state.room_for_events > 0

    async def _take_listeners(self) -> None:
        if self._state.needs_measuring:
            self._state.measured(int(bytes(json_of([await self._locally(MEASURE)]))))
        asked, self._asked, now = self._asked, [], _now_us()
        self._batches += len(asked)
        for each in asked:
            self._state.equip(has_store=each.batch.has_store)
            for place, message in enumerate(each.batch.messages):
                if isinstance(message, Published):
                    self._events.append((each, place, message))
                else:
                    self._answer(each, place, self._state.listen(message, now))

    async def _take_events(self) -> None:
        if self._is_long:  # the next pass takes them, when they are sent again
            while self._events:
                each, place, _ = self._events.popleft()
                self._answer(each, place, Answer(is_taken=False))
            return
        count = min(len(self._events), self._state.room_for_events)
        taken, now, self.arrivals = [self._events.popleft() for _ in range(count)], _now_us(), []
        answers = [self._arrived(message, now) for _, _, message in taken]
        found = await self._matching()
        for arrival, runs in zip(self.arrivals, found, strict=True):
            self._state.send(arrival, runs)
        for (each, place, _), answer in zip(taken, answers, strict=True):
            self._answer(each, place, answer)
        if sum(map(len, found)) > _MANY:
            await temporal.sleep(_MOMENT)  # what one task of a workflow may answer has its bounds

    def _answer(self, asked: _Asked, place: int, answer: Answer) -> None:
        asked.answers[place] = answer
        if len(asked.answers) == len(asked.batch.messages):
            answers = tuple(asked.answers[place] for place in range(len(asked.answers)))
            self._state.answer(asked.id, answers)
            asked.done.set_result(answers)

    def _arrived(self, message: Published, now_us: int) -> Answer:
        answer, arrival = self._state.arrive(message, now_us)
        if arrival is not None:
            self.arrivals.append(arrival)
        return answer

    async def _matching(self) -> list[list[str]]:
        if not self.arrivals or not self._state.listeners:
            return [[] for _ in self.arrivals]
        return msgspec.json.decode(unshelved(await self._locally(MATCH)), type=list[list[str]])

    @staticmethod
    async def _locally(what: str) -> RawValue:
        """Ask a local activity: it may take long, and its answer is recorded."""
        found: RawValue = await temporal.execute_local_activity(
            what, start_to_close_timeout=LONGEST, retry_policy=_AGAIN, result_type=RawValue
        )
        return found

    # ── beside them ──────────────────────────────────────────────────────────────────────────────────────────────

    def _begin(self, *work: Coroutine[Any, Any, None]) -> None:
        self._tasks = [asyncio.get_running_loop().create_task(self._watched(each)) for each in work]

    async def _watched(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception as error:  # noqa: BLE001  whatever it is, the main task raises it
            self._fault = error

    async def _deliver(self) -> None:
        while True:
            await temporal.wait_condition(lambda: self._state.has_backlog)
            self._errands += 1
            errand, versions = self._state.errand()
            await self._forget(await self._elsewhere(DELIVER, packed(errand)), versions)
            self._errands -= 1

    async def _forward(self) -> None:
        while True:
            await temporal.wait_condition(lambda: bool(self._state.outbox))
            events = packed(self._state.to_forward())
            sent = await self._elsewhere(FORWARD, events, _AGAIN_FORWARD)
            self._state.forwarded(int(bytes(json_of([sent]))))

    async def _check(self) -> None:
        """Look for runs that have ended without a word: somebody terminated them."""
        versions = self._state.listeners.to_check(_CHECKED_A_PASS)
        if versions:
            self._errands += 1
            await self._forget(await self._elsewhere(CLOSED, packed(list(versions))), versions)
            self._errands -= 1

    async def _forget(self, ended: RawValue, versions: dict[str, int]) -> None:
        await temporal.wait_condition(lambda: not self._is_in_round)
        for run_id in msgspec.json.decode(bytes(json_of([ended])), type=list[str]):
            self._state.listeners.ended(run_id, versions[run_id])

    @staticmethod
    async def _elsewhere(what: str, given: RawValue, again: RetryPolicy = _AGAIN) -> RawValue:
        found: RawValue = await temporal.execute_activity(
            what,
            given,
            start_to_close_timeout=LONGEST,
            heartbeat_timeout=SILENCE,
            retry_policy=again,
            result_type=RawValue,
        )
        return found

    # ── the end of a pass ────────────────────────────────────────────────────────────────────────────────────────

    @property
    def _is_long(self) -> bool:
        info = temporal.info()
        return (
            info.get_current_history_length() >= LONGEST_EVENTS
            or info.get_current_history_size() >= LONGEST_BYTES
            or self._batches >= MOST_BATCHES
            or info.is_continue_as_new_suggested()
        )

    @property
    def _may_go(self) -> bool:
        return (
            self._is_long
            and not self._asked
            and not self._events
            and not self._errands
            and not self._is_in_round
            and not self._state.has_backlog
            and temporal.all_handlers_finished()
        )


def _now_us() -> int:
    return temporal.time_ns() // 1000
