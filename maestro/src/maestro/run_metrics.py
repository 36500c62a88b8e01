"""The orchestrator's own metrics: runs started, ended and running."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

from maestro.domain.census import Census, Tally
from maestro_core_logging import get_logger
from maestro_core_monitoring import MetricsCollector
from maestro_workflow_engine import RunPage, RunStatus, WorkflowEngine, WorkflowError

_PAGE = 1_000
_SHARE = 20
"""A census that took a second is followed by a pause of this many seconds at least: counting stays below 5 % of the time."""
_logger = get_logger(__name__)


class RunMetrics:
    """Keeps `maestro_runs_started_total`, `maestro_runs_ended_total` and `maestro_runs_running` up to date.

    Args:
        metrics: Where they are published.
        engine: Whose runs are counted; open.
        interval: The pause between two looks.
    """

    def __init__(
        self, metrics: MetricsCollector, engine: WorkflowEngine, *, interval: timedelta = timedelta(seconds=2)
    ) -> None:
        self._engine = engine
        self._interval_s = interval.total_seconds()
        self._started = metrics.counter("maestro_runs_started_total", "Runs started, by workflow.", ("workflow",))
        self._ended = metrics.counter(
            "maestro_runs_ended_total", "Runs ended, by workflow and how they ended.", ("workflow", "status")
        )
        self._running = metrics.gauge("maestro_runs_running", "Runs that have not ended, by workflow.", ("workflow",))
        self._census = Census(self._page, self._status)
        self._shown: set[str] = set()

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """Count while the block runs."""
        self._publish(await self._census.take())
        task = asyncio.create_task(self._count(), name="run-metrics")
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

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

    async def _page(self, status: Collection[RunStatus] | None, cursor: str | None) -> RunPage:
        return await self._engine.runs(status=status, limit=_PAGE, cursor=cursor)

    async def _status(self, run_id: str) -> RunStatus:
        return (await self._engine.handle(run_id).status()).status
