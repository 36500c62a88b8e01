"""What the hub and the runs ask of workers: these activities speak to the cluster, and to the event sink."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

import msgspec
from temporalio import activity
from temporalio import exceptions as te
from temporalio.api.common.v1 import Payloads, WorkflowExecution
from temporalio.api.workflowservice.v1 import SignalWorkflowExecutionRequest
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.common import RawValue
from temporalio.service import RPCError, RPCStatusCode

from maestro_core_logging import get_logger
from maestro_workflow_engine._errors import PayloadError
from maestro_workflow_engine._event_sink import EventSink
from maestro_workflow_engine._failure import describe
from maestro_workflow_engine.temporal._failures import run_failure
from maestro_workflow_engine.temporal._wire import json_of, packed, raw
from maestro_workflow_engine.temporal.events._client import HubClient
from maestro_workflow_engine.temporal.events._hub import EventHub, Hubs
from maestro_workflow_engine.temporal.events._wire import (
    CLOSED,
    DELIVER,
    FORWARD,
    HEARD,
    MATCH,
    MEASURE,
    PULSE,
    TELL,
    Errand,
    Heard,
    Message,
    TooLarge,
    Word,
    shelved,
    squeezed,
)

_SIDE_BY_SIDE = 20
_ELSEWHERE = timedelta(seconds=1)
_AGAIN = timedelta(milliseconds=100)
_FULL = timedelta(seconds=5)
_LONG = 10  # attempts
_logger = get_logger(__name__)


class EventAgent:
    """The activities of one worker.

    Args:
        client: The cluster.
        hub: Reaches the hub.
        hubs: The hubs in this worker's memory.
        sink: Where events go that runs publish; None for nowhere.
    """

    def __init__(self, client: Client, hub: HubClient, hubs: Hubs, sink: EventSink | None) -> None:
        self._client = client
        self._hub = hub
        self._hubs = hubs
        self._sink = sink

    # ── for runs ─────────────────────────────────────────────────────────────────────────────────────────────────

    @activity.defn(name=TELL)
    async def tell(self, given: RawValue) -> None:
        """Tell the hub what a run has to say; returns once it has taken that.

        Raises:
            ApplicationError: An event was too large. Or there is no room; the cluster tries again.
        """
        messages: list[Message] = []
        for word in msgspec.json.decode(bytes(json_of([given])), type=list[Word]):
            if isinstance(word, TooLarge):
                raise run_failure(describe(PayloadError(word.reason)))
            messages.append(word)
        async with _alive():
            answers = await asyncio.gather(*(self._hub.tell(message) for message in messages))
        if not all(answer.is_taken for answer in answers):
            attempt = activity.info().attempt
            if attempt == _LONG:
                _logger.error(
                    "The event hub is full; the run waits until there is room",
                    run_id=activity.info().workflow_id,
                    advice="give the engine a payload_store, or see why the event sink takes nothing",
                )
            raise te.ApplicationError(
                "the event hub has no room", type="EventHubFull", next_retry_delay=min(attempt * _AGAIN, _FULL)
            )

    # ── for the hub, in its own process ──────────────────────────────────────────────────────────────────────────

    @activity.defn(name=MATCH)
    async def match(self) -> RawValue:
        """Return for each new event the runs that it is for. It may take long, so it does not hold up the event loop."""
        hub = self._here()
        found = await asyncio.to_thread(lambda: [hub.state.index.matching(each.event) for each in hub.arrivals])
        return shelved(msgspec.json.encode(found))

    @activity.defn(name=MEASURE)
    async def measure(self) -> RawValue:
        """Return how much room those who listen take in what is kept, in bytes."""
        hub = self._here()
        return packed(await asyncio.to_thread(lambda: len(squeezed(hub.state.kept_listeners()))))

    def _here(self) -> EventHub:
        hub = self._hubs.open.get(activity.info().workflow_run_id or "")
        if hub is None:
            raise te.ApplicationError("the event hub has left this worker's memory", type="EventHubGone")
        return hub

    # ── for the hub, anywhere ────────────────────────────────────────────────────────────────────────────────────

    @activity.defn(name=DELIVER)
    async def deliver(self, given: RawValue) -> RawValue:
        """Bring events to runs, to each in order; return those that have ended.

        It may be done again from the start: the cluster knows each signal by its id, and a run knows which it has heard.
        """
        errand = msgspec.json.decode(bytes(json_of([given])), type=Errand)
        gate = asyncio.Semaphore(_SIDE_BY_SIDE)

        async def to_one(run_id: str, places: list[tuple[int, int]]) -> str | None:
            async with gate:
                for place, version in places:
                    heard = msgspec.structs.replace(errand.events[place], version=version)
                    if not await self._signal(run_id, heard):
                        return run_id
            return None

        async with _alive():
            found = await asyncio.gather(*(to_one(run_id, places) for run_id, places in errand.runs.items()))
        return packed([run_id for run_id in found if run_id is not None])

    @activity.defn(name=FORWARD)
    async def forward(self, given: RawValue) -> RawValue:
        """Hand events to the sink, in order; return how many it has taken.

        Raises:
            ApplicationError: It has taken none, or this worker has no sink; the cluster tries again.
        """
        if self._sink is None:
            raise te.ApplicationError(
                "this worker has no event sink", type="EventSinkMissing", next_retry_delay=_ELSEWHERE
            )
        sent = 0
        async with _alive():
            for event in msgspec.json.decode(bytes(json_of([given])), type=list[dict[str, object]]):
                try:
                    await self._sink.send(event)
                except Exception as error:  # whatever a sink raises, the event is offered again
                    if sent:
                        break
                    if activity.info().attempt == 1:
                        _logger.error("Events cannot be handed over; retrying, nothing is lost", problem=str(error))
                    raise te.ApplicationError(str(error), type="EventSinkRefused") from error
                sent += 1
        return packed(sent)

    @activity.defn(name=CLOSED)
    async def closed(self, given: RawValue) -> RawValue:
        """Return those of some runs that have ended."""
        gate = asyncio.Semaphore(_SIDE_BY_SIDE)

        async def ended(run_id: str) -> bool:
            async with gate:
                try:
                    found = await self._client.get_workflow_handle(run_id).describe()
                except RPCError as error:
                    if error.status is RPCStatusCode.NOT_FOUND:
                        return True
                    raise
                return found.status is not WorkflowExecutionStatus.RUNNING

        runs = msgspec.json.decode(bytes(json_of([given])), type=list[str])
        async with _alive():
            found = await asyncio.gather(*(ended(run_id) for run_id in runs))
        return packed([run_id for run_id, has_ended in zip(runs, found, strict=True) if has_ended])

    async def _signal(self, run_id: str, heard: Heard) -> bool:
        values: Sequence[RawValue] = [raw(msgspec.json.encode(heard))]
        request = SignalWorkflowExecutionRequest(
            namespace=self._client.namespace,
            workflow_execution=WorkflowExecution(workflow_id=run_id),
            signal_name=HEARD,
            input=Payloads(payloads=await self._client.data_converter.encode(values)),
            request_id=f"{HEARD}/{heard.number}",
        )
        try:
            await self._client.workflow_service.signal_workflow_execution(request, retry=True)
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return False
            if error.status is not RPCStatusCode.INVALID_ARGUMENT:
                raise
            # It has had as many signals as the cluster allows: that is no reason to keep the event from the others.
            _logger.error("Run takes no more events", run_id=run_id, problem=error.message)
        return True


@asynccontextmanager
async def _alive() -> AsyncIterator[None]:
    """Say that the activity lives while the block runs: a lost worker is noticed soon."""

    async def beat() -> None:
        while True:
            activity.heartbeat()
            await asyncio.sleep(PULSE.total_seconds())

    task = asyncio.create_task(beat(), name="heartbeat")
    try:
        yield
    finally:
        task.cancel()
