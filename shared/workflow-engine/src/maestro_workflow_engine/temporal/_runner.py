"""The Temporal runner: it connects to a cluster, works for one of its task queues, and closes."""

from __future__ import annotations

import asyncio
import dataclasses
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from datetime import timedelta
from typing import Any, TypeVar

from temporalio.client import Client
from temporalio.converter import DataConverter
from temporalio.service import TLSConfig
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from maestro_workflow_engine._blocked import BlockedInfo
from maestro_workflow_engine._definitions import WorkflowDefinition
from maestro_workflow_engine._errors import ClusterUnreachableError, EngineClosedError, WorkflowError
from maestro_workflow_engine._payload_options import PayloadOptions
from maestro_workflow_engine._queue import Queue
from maestro_workflow_engine._registry import WorkflowRegistry
from maestro_workflow_engine._runner import RunnerOptions
from maestro_workflow_engine.embedded._threads import StepThreads
from maestro_workflow_engine.embedded._watchdog import Watchdog
from maestro_workflow_engine.temporal._address import TemporalAddress
from maestro_workflow_engine.temporal._calls import reach
from maestro_workflow_engine.temporal._hosted import HostedRun, House
from maestro_workflow_engine.temporal._key_file import followed
from maestro_workflow_engine.temporal._messenger import Messenger
from maestro_workflow_engine.temporal._payloads import EngineCodec
from maestro_workflow_engine.temporal._run_reading import TemporalReading
from maestro_workflow_engine.temporal._run_starting import TemporalStarting
from maestro_workflow_engine.temporal._run_steering import TemporalSteering
from maestro_workflow_engine.temporal._schedules import TemporalSchedules
from maestro_workflow_engine.temporal._search import prepared
from maestro_workflow_engine.temporal._sizes import Sizes
from maestro_workflow_engine.temporal._step_host import BEATS, StepHost
from maestro_workflow_engine.temporal._steps import Steps
from maestro_workflow_engine.temporal._turned_away import turned_away
from maestro_workflow_engine.temporal._unsupported import (
    NoPausing,
    NoPurging,
    UnlimitedQueues,
    check_retention,
)
from maestro_workflow_engine.temporal._work import Work
from maestro_workflow_engine.temporal.events._client import HubClient
from maestro_workflow_engine.temporal.events._events import TemporalEvents
from maestro_workflow_engine.temporal.events._link import MOST_EVENT_BYTES, EventOptions
from maestro_workflow_engine.temporal.events._worker import event_worker

T = TypeVar("T")
_WORKFLOW_THREADS = 4
_AROUND = 256  # what is around an event on its way
_ANY_SIZE = 1 << 62
_STICKY = timedelta(seconds=10)  # the SDK's own
_BUILD = (
    "maestro"  # otherwise the SDK reads every loaded module, for seconds, to make up one that nothing here asks for
)


class TemporalRunner:
    """Runs workflows on a Temporal cluster: this process is one of its workers, and a client of it.

    Args:
        address: The cluster.
        registry: The workflows it can run.
        options: Limits, and how payloads are kept.

    Raises:
        UnsupportedByRunnerError: The options ask for what a cluster cannot do.
    """

    def __init__(
        self,
        address: TemporalAddress,
        registry: WorkflowRegistry,
        options: RunnerOptions,
    ) -> None:
        self._address = address
        self._registry = registry
        self._options = options
        check_retention(options.retention)
        self._queues = UnlimitedQueues(tuple(options.queues))
        self._watchdog = None if options.block_warning is None else Watchdog(options.block_warning)
        self._stack = AsyncExitStack()
        self._starting: TemporalStarting | None = None
        self._steering: TemporalSteering | None = None
        self._reading: TemporalReading | None = None
        self._schedules: TemporalSchedules | None = None
        self._events: TemporalEvents | None = None
        self._work: tuple[Work, ...] = ()
        self._client: Client | None = None

    async def open(self) -> None:
        """Connect, and begin to work.

        Raises:
            ClusterUnreachableError: The cluster does not answer, does not let this client in, or has no such namespace.
        """
        async with AsyncExitStack() as stack:
            client = await self.connect()
            key = followed(self._address.api_key_file, self._address.api_key, client.service_client.update_api_key)
            await stack.enter_async_context(key)
            await reach(client, self._address)
            searchable = await prepared(client, self._address.target)
            if self._watchdog is not None:
                stack.enter_context(self._watchdog.kept())
            steps, sizes = Steps(), Sizes(self._options.payloads)
            hosts = StepThreads(self._options.threads)
            stack.callback(hosts.close)
            house = House(self._registry, steps, self._address, self._event_options)
            runs = house.threads(_WORKFLOW_THREADS)
            stack.callback(house.clear)
            stack.callback(runs.shutdown, wait=False)
            worker = Worker(
                client,
                task_queue=self._address.task_queue,
                workflows=[HostedRun],
                activities=[StepHost(steps, hosts, self._address.lost_after, sizes).run, Messenger(client).send],
                workflow_runner=UnsandboxedWorkflowRunner(),
                workflow_task_executor=runs,
                max_cached_workflows=self._options.max_in_memory,
                max_concurrent_activities=min(self._options.max_concurrent, 1_000),
                max_concurrent_workflow_task_polls=5,
                # What a lost worker had in its memory waits so long before another one gets it.
                sticky_queue_schedule_to_start_timeout=min(_STICKY, self._address.lost_after),
                # The SDK would hold back most signs of life, and a step hears of its cancellation by the next one.
                max_heartbeat_throttle_interval=self._address.lost_after / BEATS,
                build_id=_BUILD,
            )
            to_hub = self._without_limit(client)
            has_store = self._options.payloads.store is not None
            hub = HubClient(to_hub, self._address.task_queue, self._address.target, has_store=has_store)
            of_events = event_worker(to_hub, hub, self._address, self._options.event_sink, stack)
            self._work = (
                await stack.enter_async_context(Work(of_events)),
                await stack.enter_async_context(Work(worker)),
            )
            stack.push_async_callback(hub.close)
            reading = TemporalReading(client, self._address, searchable=searchable)
            stack.callback(reading.waits.close)
            self._client = client
            self._reading = reading
            self._starting = TemporalStarting(client, self._address, reading, self._queues, sizes)
            self._steering = TemporalSteering(client, reading, self._starting, sizes)
            self._schedules = TemporalSchedules(
                client, reading, self._address, self._registry, self._queues, self._starting
            )
            self._events = TemporalEvents(hub, self._event_options, reading.waits)
            stack.callback(self._let_go)
            self._stack = stack.pop_all()

    async def close(self) -> None:
        """Stop working; what is under way here goes on in other workers, or when one is there again."""
        await self._stack.aclose()

    @property
    def failure(self) -> WorkflowError | None:
        """Why nothing goes on here: the cluster turned this worker away for good. Else a call to it fails by itself."""
        _open(self._reading)
        reason = next((work.failure for work in self._work if work.failure is not None), None)
        return None if reason is None else ClusterUnreachableError(self._address.target, reason)

    async def check(self) -> None:
        """Ask the cluster for its namespace.

        Raises:
            ClusterUnreachableError: It does not answer, has no such namespace, or has turned this worker away.
        """
        if self.failure is not None:
            raise self.failure
        await reach(_open(self._client), self._address)

    @property
    def blocked(self) -> BlockedInfo | None:
        """What holds the event loop, on which steps run; None when nothing does, or nobody watches."""
        return None if self._watchdog is None else self._watchdog.blocked

    @property
    def starting(self) -> TemporalStarting:
        """Makes runs."""
        return _open(self._starting)

    @property
    def steering(self) -> TemporalSteering:
        """Intervenes in runs."""
        return _open(self._steering)

    @property
    def reading(self) -> TemporalReading:
        """Looks at runs."""
        return _open(self._reading)

    @property
    def pausing(self) -> NoPausing:
        """Pauses workflows: a cluster cannot."""
        _open(self._reading)
        return NoPausing()

    @property
    def purging(self) -> NoPurging:
        """Deletes runs: a cluster does so by itself."""
        _open(self._reading)
        return NoPurging()

    @property
    def events(self) -> TemporalEvents:
        """Takes events in."""
        return _open(self._events)

    @property
    def queues(self) -> UnlimitedQueues:
        """The queues that were declared: names for priority and tenant, without limits."""
        _open(self._reading)
        return self._queues

    def declare(self, queue: Queue) -> None:
        """Add a queue.

        Raises:
            UnsupportedByRunnerError: It has limits.
        """
        self._queues.declare(queue)

    @property
    def schedules(self) -> TemporalSchedules:
        """The schedules of this namespace."""
        return _open(self._schedules)

    def registered(self, definition: WorkflowDefinition[..., Any]) -> None:
        """Do nothing: the cluster asks again for runs that this worker could not host."""

    def within(self, timeout: timedelta | None) -> AbstractAsyncContextManager[object]:
        """Raise TimeoutError in the block once it has taken longer than this; None for never."""
        return asyncio.timeout(None if timeout is None else timeout.total_seconds())

    async def connect(self) -> Client:
        """Connect, as a client alone.

        Raises:
            ClusterUnreachableError: The cluster does not answer, or does not let this client in.
        """
        address = self._address
        tls: TLSConfig | bool = address.tls
        if address.server_ca or address.client_cert:
            tls = TLSConfig(
                server_root_ca_cert=address.server_ca,
                client_cert=address.client_cert,
                client_private_key=address.client_key,
            )
        converter = _converter(self._options.payloads)
        try:
            return await Client.connect(
                address.target, namespace=address.namespace, tls=tls, api_key=address.api_key, data_converter=converter
            )
        except (RuntimeError, ValueError) as error:
            raise turned_away(address, error) from error

    @property
    def _event_options(self) -> EventOptions:
        payloads = self._options.payloads
        most = None if payloads.store is not None else min(payloads.max_bytes - _AROUND, MOST_EVENT_BYTES)
        return EventOptions(has_sink=self._options.event_sink is not None, limit_bytes=most)

    def _without_limit(self, client: Client) -> Client:
        """Return a client for what is made of many payloads, each of them within the limit."""
        options = dataclasses.replace(self._options.payloads, max_bytes=_ANY_SIZE)
        return Client(client.service_client, namespace=client.namespace, data_converter=_converter(options))

    def _let_go(self) -> None:
        self._starting = self._steering = self._reading = self._schedules = self._events = None
        self._client, self._work = None, ()


def _converter(payloads: PayloadOptions) -> DataConverter:
    if payloads.codec is None and payloads.store is None:
        return DataConverter.default
    return dataclasses.replace(DataConverter.default, payload_codec=EngineCodec(payloads))


def _open(part: T | None) -> T:
    if part is None:
        raise EngineClosedError("the engine is not open; use it inside 'async with WorkflowEngine(...)'")
    return part
