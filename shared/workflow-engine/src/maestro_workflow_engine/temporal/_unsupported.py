"""What a cluster cannot do, said in one way; and the parts of a runner of which it has nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import NoReturn

from maestro_workflow_engine._errors import UnsupportedByRunnerError
from maestro_workflow_engine._queue import Queue, QueueNotFoundError
from maestro_workflow_engine._queue_keeper import QueueInfo
from maestro_workflow_engine._records import PausedWorkflow, RunStatus
from maestro_workflow_engine._retention import PurgeReport, Retention
from maestro_workflow_engine._start_options import StartOptions

_RUNNER = "temporal"
_PAUSING = "pause the runs one by one, or stop the workers of their task queue"
EVENTS = "start it anew: when it began, the release that hosted it had no events on a cluster"
_PURGING = "the cluster deletes what has ended by the retention of its namespace"
_LIMITS = "bound the workers instead: their number, max_concurrent_workflows, and a task queue for each kind of work"


def unsupported(feature: str, instead: str) -> UnsupportedByRunnerError:
    """Return the error for what a cluster cannot do.

    Args:
        feature: What was asked for.
        instead: What to do instead.
    """
    return UnsupportedByRunnerError(feature, _RUNNER, instead)


def check_queue(queue: Queue) -> None:
    """Refuse a queue with limits; one without gives its runs priority and tenant.

    Raises:
        UnsupportedByRunnerError: It has limits.
    """
    if not (queue.concurrency is None and queue.per_tenant is None and queue.rate is None):
        raise unsupported(f"queue with limits ({queue.name!r})", _LIMITS)


def check_retention(retention: Retention) -> None:
    """Refuse rules about what is deleted when.

    Raises:
        UnsupportedByRunnerError: There are some.
    """
    if retention.durations():
        raise unsupported("retention by the engine", _PURGING)


def check_options(options: StartOptions) -> None:
    """Refuse start options that a cluster cannot follow.

    Raises:
        UnsupportedByRunnerError: There is one.
    """
    if options.debounce is not None:
        raise unsupported("debounce", "start one run with an id made of the key, and signal it")
    if options.singleton is not None:
        raise unsupported("singleton", "give the run an id made of the key, and say if_running and if_ended")


class NoPausing:
    """Pausing workflows, of which a cluster has nothing."""

    async def pause(self, workflow: str, version: str | None, reason: str) -> NoReturn:
        """Refuse.

        Raises:
            UnsupportedByRunnerError: Always.
        """
        raise unsupported("pausing of workflows", _PAUSING)

    async def resume(self, workflow: str, version: str | None) -> NoReturn:
        """Refuse.

        Raises:
            UnsupportedByRunnerError: Always.
        """
        raise unsupported("pausing of workflows", _PAUSING)

    def paused(self) -> list[PausedWorkflow]:
        """Return which are paused: none."""
        return []


class NoPurging:
    """Deleting runs, which a cluster does by itself."""

    async def purge(
        self, *, older_than: timedelta, statuses: frozenset[RunStatus], workflow: str | None
    ) -> PurgeReport:
        """Refuse.

        Raises:
            UnsupportedByRunnerError: Always.
        """
        raise unsupported("purging", _PURGING)

    async def purgeable(
        self, *, older_than: timedelta, statuses: frozenset[RunStatus], workflow: str | None
    ) -> PurgeReport:
        """Refuse.

        Raises:
            UnsupportedByRunnerError: Always.
        """
        raise unsupported("purging", _PURGING)

    async def delete(self, run_id: str) -> PurgeReport:
        """Refuse.

        Raises:
            UnsupportedByRunnerError: Always.
        """
        raise unsupported("deletion of runs", _PURGING)


class UnlimitedQueues:
    """Queues without limits: names that runs are started with, for their priority and tenant.

    Raises:
        UnsupportedByRunnerError: One has limits.
    """

    def __init__(self, queues: tuple[Queue, ...]) -> None:
        self._declared: dict[str, Queue] = {}
        for queue in queues:
            self.declare(queue)

    def declare(self, queue: Queue) -> None:
        """Add a queue.

        Raises:
            UnsupportedByRunnerError: It has limits.
        """
        check_queue(queue)
        self._declared[queue.name] = queue

    def check(self, name: str) -> None:
        """Refuse a queue that is not declared.

        Raises:
            QueueNotFoundError: It is not.
        """
        if name not in self._declared:
            raise QueueNotFoundError(name, tuple(sorted(self._declared)))

    def describe(self, name: str) -> QueueInfo:
        """Refuse.

        Raises:
            UnsupportedByRunnerError: Always.
        """
        raise unsupported("view into a queue", "look at the backlog of the task queue with the cluster's own tools")

    def listing(self) -> list[QueueInfo]:
        """Refuse.

        Raises:
            UnsupportedByRunnerError: Always.
        """
        raise unsupported("view into queues", "look at the backlog of the task queue with the cluster's own tools")

    async def pause(self, name: str, note: str) -> None:
        """Refuse.

        Raises:
            UnsupportedByRunnerError: Always.
        """
        raise unsupported("pausing of queues", _PAUSING)

    async def resume(self, name: str) -> None:
        """Refuse.

        Raises:
            UnsupportedByRunnerError: Always.
        """
        raise unsupported("pausing of queues", _PAUSING)
