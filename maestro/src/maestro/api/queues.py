"""Queues over HTTP."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel

from maestro.api.requests import InterventionRequest
from maestro.api.state import OPERATOR, VIEWER, TheQueues
from maestro.errors import answered
from maestro_workflow_engine import QueueInfo

router = APIRouter(prefix="/queues", tags=["queues"], dependencies=[VIEWER])


class RateView(BaseModel):
    """How many runs may begin in any stretch of time."""

    count: int
    per_s: float


class QueueView(BaseModel):
    """A queue as it stands."""

    name: str
    declared: bool
    """Whether the configuration has it; runs may still wait in one that it has no more."""
    concurrency: int | None
    """How many of its runs may have begun and not ended; null for any number."""
    per_tenant: int | None
    """The same for each tenant."""
    rate: RateView | None
    """How many may begin in a time; null for any number."""
    paused: bool
    pause_reason: str | None
    """Why it was paused, where that was said."""
    running: int
    """How many of its runs have begun and not ended."""
    waiting: int
    """How many stand in line."""
    delayed: int
    """How many stand apart: not due yet, or behind a run of their singleton key."""
    held: int
    """How many somebody paused while they waited."""
    waiting_by_priority: dict[int, int]
    waiting_by_tenant: dict[str, int]
    """By tenant; "" for those without."""
    running_by_tenant: dict[str, int]
    oldest_wait_s: float | None
    """How long the one has waited that stands in line longest; null when nobody does."""
    problem: str | None
    """Why it cannot go on; null when nothing is wrong."""

    @classmethod
    def of(cls, info: QueueInfo) -> QueueView:
        """Show a queue."""
        queue = info.queue
        rate = None if queue is None or queue.rate is None else queue.rate
        return cls(
            name=info.name,
            declared=queue is not None,
            concurrency=None if queue is None else queue.concurrency,
            per_tenant=None if queue is None else queue.per_tenant,
            rate=None if rate is None else RateView(count=rate.count, per_s=rate.per.total_seconds()),
            paused=info.paused,
            pause_reason=info.note or None,
            running=info.running,
            waiting=info.waiting,
            delayed=info.delayed,
            held=info.held,
            waiting_by_priority=info.waiting_by_priority,
            waiting_by_tenant=info.waiting_by_tenant,
            running_by_tenant=info.running_by_tenant,
            oldest_wait_s=None if info.oldest_wait is None else info.oldest_wait.total_seconds(),
            problem=info.problem,
        )


class QueueList(BaseModel):
    """The queues."""

    queues: list[QueueView]
    """By name: those that are declared, and any other that runs wait in."""


@router.get("")
async def list_queues(queues: TheQueues) -> QueueList:
    """List the queues as they stand."""
    with answered():
        return QueueList(queues=[QueueView.of(info) for info in await queues.listing()])


@router.post("/{name:path}/pause", dependencies=[OPERATOR])
async def pause_queue(name: str, queues: TheQueues, data: InterventionRequest | None = None) -> QueueView:
    """Let nothing begin until the queue is resumed, over restarts too; runs that have begun go on."""
    with answered():
        return QueueView.of(await queues.pause(name, data.reason if data else ""))


@router.post("/{name:path}/resume", dependencies=[OPERATOR])
async def resume_queue(name: str, queues: TheQueues) -> QueueView:
    """Let runs begin again; a queue that is not paused stays as it is."""
    with answered():
        return QueueView.of(await queues.resume(name))


@router.get("/{name:path}")
async def show_queue(name: str, queues: TheQueues) -> QueueView:
    """Show a queue as it stands: who runs, who waits, and how long."""
    with answered():
        return QueueView.of(await queues.get(name))
