"""What a service promises, so that rules and dashboards can be written for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from ._errors import MonitoringError

SYSTEM_ROUTES: Final = ("/health/live", "/health/ready", "/health/startup", "/metrics")
"""Routes that are asked by machines all day and say nothing about what users meet."""
_USUAL_THRESHOLD: Final = timedelta(milliseconds=500)


@dataclass(frozen=True, slots=True)
class Objectives:
    """Service level objectives over 30 days."""

    availability: float = 0.999
    """Share of the requests that must not end with a status of 500 or above. Default: 0.999."""
    latency: float = 0.99
    """Share of the requests that must be answered within `latency_threshold`. Default: 0.99."""
    latency_threshold: timedelta = _USUAL_THRESHOLD
    """What is quick enough; one of the buckets of `service_request_duration_seconds`. Default: 500 ms."""
    left_out: tuple[str, ...] = SYSTEM_ROUTES
    """Routes that do not count at all. Default: health and metrics."""
    untimed: tuple[str, ...] = ()
    """Routes whose duration does not count, as streams that stay open. Default: none."""
    min_requests: int = 10
    """Requests in the long window of an alert below which it stays silent: of two requests, one that fails is no trend.
    Default: 10."""
    runbook_url: str | None = None
    """Where people read what to do; `{alert}` in it is replaced by the name of the alert. Default: nowhere."""

    def __post_init__(self) -> None:
        for name, share in (("availability", self.availability), ("latency", self.latency)):
            if not 0 < share < 1:
                raise MonitoringError(f"the objective {name} is a share between 0 and 1, as 0.999, and not {share}")

    def check(self, buckets: tuple[float, ...]) -> None:
        """Check that the threshold can be measured.

        Args:
            buckets: Upper bounds of the request durations, in seconds.

        Raises:
            MonitoringError: No bucket ends at the threshold.
        """
        threshold_s = self.latency_threshold.total_seconds()
        if threshold_s not in buckets:
            raise MonitoringError(
                f"latency_threshold is {threshold_s:g} s, and no bucket of service_request_duration_seconds ends there; "
                f"take one of {', '.join(f'{bound:g}' for bound in buckets)} or give the collector other buckets"
            )


def objectives_for(buckets: Sequence[float]) -> Objectives:
    """Return the defaults for durations that are counted in certain buckets.

    Args:
        buckets: Upper bounds, in seconds, ascending.

    Returns:
        Objectives whose threshold is 500 ms, or the first bucket above that, or the last one there is.
    """
    finite = [bound for bound in buckets if bound != float("inf")]
    threshold_s = next((bound for bound in finite if bound >= _USUAL_THRESHOLD.total_seconds()), finite[-1])
    return Objectives(latency_threshold=timedelta(seconds=threshold_s))
