"""The worker of a task queue's events: apart from that of runs, whose steps may take every place there is."""

from __future__ import annotations

from contextlib import AsyncExitStack
from datetime import timedelta

from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from maestro_workflow_engine._event_sink import EventSink
from maestro_workflow_engine.temporal._address import TemporalAddress
from maestro_workflow_engine.temporal.events._agent import EventAgent
from maestro_workflow_engine.temporal.events._client import HubClient
from maestro_workflow_engine.temporal.events._hub import EventHub, Hubs
from maestro_workflow_engine.temporal.events._wire import hub_of

_STICKY = timedelta(seconds=1)  # what a lost worker had of the hub is read by another one soon
_POLLS = 2
_AT_ONCE = 200


def event_worker(
    client: Client, hub: HubClient, address: TemporalAddress, sink: EventSink | None, stack: AsyncExitStack
) -> Worker:
    """Return the worker, not started yet.

    Args:
        client: The cluster.
        hub: Reaches the hub.
        address: The task queue.
        sink: Where events go that runs publish; None for nowhere.
        stack: Frees what it uses.
    """
    hubs = Hubs()
    threads = hubs.threads()
    stack.callback(threads.shutdown, wait=False)
    agent = EventAgent(client, hub, hubs, sink)
    return Worker(
        client,
        task_queue=hub_of(address.task_queue),
        workflows=[EventHub],
        activities=[agent.tell, agent.match, agent.measure, agent.deliver, agent.forward, agent.closed],
        workflow_runner=UnsandboxedWorkflowRunner(),
        workflow_task_executor=threads,
        max_cached_workflows=4,
        max_concurrent_activities=_AT_ONCE,
        max_concurrent_workflow_task_polls=_POLLS,
        max_concurrent_activity_task_polls=_POLLS,
        sticky_queue_schedule_to_start_timeout=_STICKY,
        build_id="maestro",
    )
