"""What health checks found."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

HealthKind = Literal["liveness", "readiness", "startup"]
"""`liveness`: restart me when this fails. `readiness`: send me no traffic while this fails. `startup`: until this has passed
once, ask me nothing else."""


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
    critical: bool = True
    """Whether its failure makes the whole report fail."""
    age: timedelta = timedelta(0)
    """How long ago it ran; more than zero only for a check whose result is kept."""


@dataclass(frozen=True, slots=True)
class HealthReport:
    """Outcome of all checks of one kind."""

    kind: HealthKind
    """Which checks ran."""
    checks: tuple[CheckResult, ...]
    """One result per check, in the order in which they were added."""

    @property
    def healthy(self) -> bool:
        """Whether every critical check passed; true when there is none."""
        return all(check.healthy or not check.critical for check in self.checks)

    @property
    def degraded(self) -> bool:
        """Whether it is healthy although something that is not critical fails."""
        return self.healthy and bool(self.failing)

    @property
    def failing(self) -> tuple[CheckResult, ...]:
        """The checks that failed, critical or not."""
        return tuple(check for check in self.checks if not check.healthy)
