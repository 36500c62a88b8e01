"""Health checks of a service: registered by name, run together, each under its own time limit."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from maestro_core_logging import get_logger

from ._errors import HealthCheckError, MonitoringError
from ._metrics._collector import MetricsCollector

HealthKind = Literal["liveness", "readiness"]
"""`liveness`: restart me when this fails. `readiness`: send me no traffic while this fails."""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """Outcome of one health check."""

    name: str
    """Name under which the check was added."""
    healthy: bool
    """Whether it passed."""
    duration: timedelta
    """How long it ran."""
    error: str | None = None
    """Why it failed, fit for anybody to read; None when it passed."""


@dataclass(frozen=True, slots=True)
class HealthReport:
    """Outcome of all checks of one kind."""

    kind: HealthKind
    """Which checks ran."""
    checks: tuple[CheckResult, ...]
    """One result per check, in the order in which they were added."""

    @property
    def healthy(self) -> bool:
        """Whether every check passed; true when there is none."""
        return all(check.healthy for check in self.checks)

    @property
    def failing(self) -> tuple[CheckResult, ...]:
        """The checks that failed."""
        return tuple(check for check in self.checks if not check.healthy)


@dataclass(frozen=True, slots=True)
class _Check:
    name: str
    run: Callable[[], Awaitable[object]]
    kind: HealthKind
    timeout: timedelta


class HealthRegistry:
    """Holds the health checks of one service.

    Args:
        metrics: Where outcomes are published as `service_health_status`; nowhere when None.
    """

    def __init__(self, metrics: MetricsCollector | None = None) -> None:
        self._metrics = metrics
        self._checks: dict[str, _Check] = {}
        self._logger = get_logger(__name__)

    def add(
        self,
        name: str,
        check: Callable[[], Awaitable[object]],
        *,
        kind: HealthKind = "readiness",
        timeout: timedelta = timedelta(seconds=2),
    ) -> None:
        """Add a check.

        Args:
            name: What is checked, unique in this registry (`database`, `model`).
            check: Async callable without arguments; it passes by returning and fails by raising.
            kind: Which question the check answers.
            timeout: A check that takes longer fails.

        Raises:
            MonitoringError: There is a check of this name already.
        """
        if name in self._checks:
            raise MonitoringError(f"there is a health check named {name!r} already")
        self._checks[name] = _Check(name, check, kind, timeout)

    async def run(self, kind: HealthKind = "readiness") -> HealthReport:
        """Run all checks of one kind at the same time.

        Args:
            kind: Which checks to run.

        Returns:
            The report; it never raises for a failing check.
        """
        checks = [check for check in self._checks.values() if check.kind == kind]
        results = await asyncio.gather(*(self._run_one(check) for check in checks))
        return HealthReport(kind, tuple(results))

    async def _run_one(self, check: _Check) -> CheckResult:
        started = time.perf_counter()
        error: str | None = None
        try:
            async with asyncio.timeout(check.timeout.total_seconds()) as limit:
                await check.run()
        except HealthCheckError as reason:
            error = str(reason)
        except Exception as reason:  # noqa: BLE001 - whatever a check raises is its answer
            error = type(reason).__name__
            if isinstance(reason, TimeoutError) and limit.expired():
                error = f"no answer within {check.timeout.total_seconds():g} s"
            self._logger.warning("Health check failed", check=check.name, error=f"{type(reason).__name__}: {reason}")
        if self._metrics is not None:
            self._metrics.set_health(check.name, error is None)
        return CheckResult(check.name, error is None, timedelta(seconds=time.perf_counter() - started), error)
