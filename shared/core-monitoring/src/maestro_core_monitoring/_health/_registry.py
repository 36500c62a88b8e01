"""Health checks of a service: registered by name, run together."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import timedelta

from maestro_core_monitoring._errors import MonitoringError
from maestro_core_monitoring._metrics._collector import MetricsCollector

from ._check import Check, CheckFunction, CheckOptions
from ._report import CheckResult, HealthKind, HealthReport


class HealthRegistry:
    """Holds the health checks of one service.

    Args:
        metrics: Where outcomes are published as `service_health_status`; nowhere when None.
    """

    def __init__(self, metrics: MetricsCollector | None = None) -> None:
        self._metrics = metrics
        self._checks: dict[str, Check] = {}
        self._started: tuple[HealthReport, float] | None = None

    def add(
        self,
        name: str,
        check: CheckFunction,
        *,
        kind: HealthKind = "readiness",
        timeout: timedelta = timedelta(seconds=2),
        cache: timedelta = timedelta(0),
        critical: bool = True,
    ) -> None:
        """Add a check.

        Args:
            name: What is checked, unique in this registry (`database`, `model`).
            check: Callable without arguments; it passes by returning and fails by raising. One that is not async runs in a
                thread of its own.
            kind: Which question the check answers.
            timeout: A check that takes longer fails. If it goes on nevertheless, it is not started again before it has ended.
            cache: How long an answer holds; for checks that cost something or ask somebody else.
            critical: Whether the service cannot do without. When a check that is not critical fails, the report is `degraded`,
                and healthy still.

        Raises:
            MonitoringError: There is a check of this name already, or a time is negative.
        """
        if name in self._checks:
            raise MonitoringError(f"there is a health check named {name!r} already")
        if timeout < timedelta(0) or cache < timedelta(0):
            raise MonitoringError(f"timeout and cache of the health check {name!r} cannot be negative")
        self._checks[name] = Check(name, check, CheckOptions(kind, timeout, cache, critical))
        if kind == "startup":
            self._started = None

    async def run(self, kind: HealthKind = "readiness") -> HealthReport:
        """Run all checks of one kind at the same time.

        Checks of the start are not run again once all of them have passed.

        Args:
            kind: Which checks to run.

        Returns:
            The report; it never raises for a failing check.
        """
        if kind == "startup" and self._started is not None:
            report, at = self._started
            age = timedelta(seconds=time.monotonic() - at)
            return replace(report, checks=tuple(replace(check, age=age) for check in report.checks))
        checks = [check for check in self._checks.values() if check.options.kind == kind]
        results = await asyncio.gather(*(self._published(check) for check in checks))
        report = HealthReport(kind, tuple(results))
        if kind == "startup" and checks and report.healthy:
            self._started = (report, time.monotonic())
        return report

    @asynccontextmanager
    async def watched(self, interval: timedelta = timedelta(seconds=15)) -> AsyncIterator[None]:
        """Run the checks of liveness and readiness regularly while a block runs.

        Made for services that nobody probes: `service_health_status` then tells what is so, not what was asked last.

        Args:
            interval: The pause between two runs.
        """
        task = asyncio.create_task(self._keep_watching(interval.total_seconds()), name="health-watch")
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _keep_watching(self, interval_s: float) -> None:
        while True:
            await self.run("liveness")
            await self.run("readiness")
            await asyncio.sleep(interval_s)

    async def _published(self, check: Check) -> CheckResult:
        result = await check.outcome()
        if self._metrics is not None:
            self._metrics.set_health(check.name, result.healthy)
        return result
