"""The health rules: what a row of probes says about an instance."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum


class Health(StrEnum):
    """What is believed of an instance beyond its lease."""

    UNCHECKED = "unchecked"
    """It named nothing to be asked for; its lease alone counts."""
    HEALTHY = "healthy"
    """Its probes pass, or have not failed often enough."""
    UNHEALTHY = "unhealthy"
    """Its probes fail; look-up hides it until they pass again."""


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """How an instance wants to be asked for its health."""

    path: str
    """Path below the instance's address; a 2xx answer to GET passes."""
    interval: timedelta = timedelta(seconds=5)
    """Time from one probe to the next."""
    timeout: timedelta = timedelta(seconds=2)
    """How long an answer may take."""
    unhealthy_after: int = 3
    """Failed probes in a row that hide a healthy instance."""
    healthy_after: int = 2
    """Passed probes in a row that show a hidden instance again."""


@dataclass(frozen=True, slots=True)
class HealthState:
    """What the probes of an instance say; kept in memory alone."""

    status: Health
    """What is believed."""
    since: datetime
    """Since when."""
    against: int = 0
    """Probes in a row that said the opposite."""
    reason: str | None = None
    """Why the last probe failed; None when it passed or there was none."""

    @classmethod
    def at_first(cls, check: HealthCheck | None, since: datetime, *, doubts: int = 0) -> "HealthState":
        """Return what is believed before the first probe: an instance that registers runs.

        Args:
            check: How the instance is probed; None for not at all.
            since: When it registered, or changed its address.
            doubts: Failed probes that it starts with.

        Returns:
            The state.
        """
        return cls(Health.UNCHECKED if check is None else Health.HEALTHY, since, against=doubts)

    @property
    def is_shown(self) -> bool:
        """Whether look-up shows the instance."""
        return self.status is not Health.UNHEALTHY

    def after_probe(self, check: HealthCheck, failure: str | None, now: datetime) -> "HealthState":
        """Take the outcome of a probe into account.

        Args:
            check: How the instance is probed.
            failure: Why the probe failed; None when it passed.
            now: The present.

        Returns:
            The state from now on.
        """
        passed = failure is None
        if passed == (self.status is not Health.UNHEALTHY):
            return replace(self, against=0, reason=failure)
        against = self.against + 1
        if against < (check.healthy_after if passed else check.unhealthy_after):
            return replace(self, against=against, reason=failure)
        return HealthState(Health.HEALTHY if passed else Health.UNHEALTHY, now, reason=failure)
