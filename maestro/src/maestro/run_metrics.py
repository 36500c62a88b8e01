"""The orchestrator's own metrics: runs started, ended and running."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Collection, Iterable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Protocol

from maestro.domain.census import Census, Tally
from maestro.domain.cluster_census import ClusterCensus
from maestro_core_api import running_task
from maestro_core_logging import get_logger
from maestro_core_monitoring import Counter, Gauge, MetricsCollector
from maestro_workflow_engine import RunFilter, RunPage, RunStatus, WorkflowEngine, WorkflowError

_PAGE = 1_000
_SHARE = 20
"""A census that took a second is followed by a pause of this many seconds at least: counting stays below 5 % of the time."""
_logger = get_logger(__name__)


class TakesCensus(Protocol):
    """Counts runs."""

    async def take(self) -> Tally:
        """Return what happened since the last look."""


def journal_census(engine: WorkflowEngine) -> Census:
    """Count the runs of a journal.

    Args:
        engine: Whose runs; open.
    """

    async def page(status: Collection[RunStatus] | None, cursor: str | None) -> RunPage:
        return await engine.runs(status=status, limit=_PAGE, cursor=cursor)

    async def status(run_id: str) -> RunStatus:
        return (await engine.handle(run_id).status()).status

    return Census(page, status)


def cluster_census(engine: WorkflowEngine, workflows: Callable[[], Iterable[str]]) -> ClusterCensus:
    """Count the runs of a Temporal namespace.

    Args:
        engine: Whose runs; open.
        workflows: Gives the engine's names of the workflows to count.
    """

    async def page(wanted: RunFilter, cursor: str | None) -> RunPage:
        return await engine.runs(wanted, limit=_PAGE, cursor=cursor)

    async def count(wanted: RunFilter) -> int:
        return await engine.count(wanted)

    return ClusterCensus(page, count, workflows)


def declare_run_metrics(metrics: MetricsCollector) -> tuple[Counter, Counter, Gauge]:
    """Declare what is counted, before anything is: dashboards are written from what a service declares.

    Args:
        metrics: Where.

    Returns:
        Runs started, runs ended, runs running.
    """
    return (
        metrics.counter("maestro_runs_started_total", "Runs started, by workflow.", ("workflow",)),
        metrics.counter(
            "maestro_runs_ended_total", "Runs ended, by workflow and how they ended.", ("workflow", "status")
        ),
        metrics.gauge("maestro_runs_running", "Runs that have not ended, by workflow.", ("workflow",)),
    )


class RunMetrics:
    """Keeps `maestro_runs_started_total`, `maestro_runs_ended_total` and `maestro_runs_running` up to date.

    Args:
        metrics: Where they are published.
        census: Counts runs.
        interval: The pause between two looks.
    """

    def __init__(
        self, metrics: MetricsCollector, census: TakesCensus, *, interval: timedelta = timedelta(seconds=2)
    ) -> None:
        self._census = census
        self._interval_s = interval.total_seconds()
        self._started, self._ended, self._running = declare_run_metrics(metrics)
        self._shown: set[str] = set()

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """Count while the block runs."""
        self._publish(await self._census.take())
        async with running_task(self._count(), name="run-metrics"):
            yield

    async def _count(self) -> None:
        pause_s = self._interval_s
        while True:
            await asyncio.sleep(pause_s)
            began = time.monotonic()
            try:
                self._publish(await self._census.take())
            except WorkflowError as error:
                _logger.warning("Runs could not be counted", error=str(error), code=error.code)
            pause_s = max(self._interval_s, _SHARE * (time.monotonic() - began))

    def _publish(self, tally: Tally) -> None:
        for workflow, count in tally.started.items():
            self._started.labels(workflow).inc(count)
        for (workflow, status), count in tally.ended.items():
            self._ended.labels(workflow, status).inc(count)
        self._shown |= tally.running.keys()
        for workflow in self._shown:
            self._running.labels(workflow).set(tally.running[workflow])
