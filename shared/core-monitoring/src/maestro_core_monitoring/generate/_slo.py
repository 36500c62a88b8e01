"""The objectives of a service, as shares of requests that went wrong."""

from dataclasses import dataclass

from ._promql import alternatives, bucket_at, selector, text
from ._service import ServiceDeclaration


@dataclass(frozen=True, slots=True)
class Slo:
    """One objective."""

    service: str
    """Whose."""
    name: str
    """`availability` or `latency`."""
    objective: float
    """Share of the requests that must go well."""
    promise: str
    """The same as a sentence."""
    total_series: str
    """Selector of all requests that count."""
    wrong_series: str
    """Selector of those that went wrong; empty when they are told by what went well."""
    right_series: str = ""
    """Selector of those that went well; empty when they are told by what went wrong."""

    @property
    def budget(self) -> float:
        """Share of the requests that may go wrong."""
        return round(1 - self.objective, 10)

    def total(self, window: str) -> str:
        """Return the rate of requests."""
        return f"sum(rate({self.total_series}[{window}]))"

    def errors(self, window: str) -> str:
        """Return the rate of requests that went wrong: zero, not nothing, while none did."""
        if self.right_series:
            return f"(sum(rate({self.total_series}[{window}])) - sum(rate({self.right_series}[{window}])))"
        return f"(sum(rate({self.wrong_series}[{window}])) or 0 * sum(rate({self.total_series}[{window}])))"

    def recorded(self, metric: str) -> str:
        """Return a selector of what was recorded for this objective."""
        return selector(metric, f"service={text(self.service)}", f"slo={text(self.name)}")


def slos_of(service: ServiceDeclaration) -> tuple[Slo, ...]:
    """Return the objectives of a service.

    Args:
        service: What it declares.

    Returns:
        Availability and latency.
    """
    objectives = service.objectives
    here = f"service={text(service.name)}"
    counted = _without(objectives.left_out)
    timed = _without((*objectives.left_out, *objectives.untimed))
    threshold_s = objectives.latency_threshold.total_seconds()
    buckets, requests = "service_request_duration_seconds_bucket", "service_requests_total"
    return (
        Slo(
            service.name,
            "availability",
            objectives.availability,
            f"{100 * objectives.availability:.10g} % of the requests are to be answered without a server error.",
            total_series=selector(requests, here, counted),
            wrong_series=selector(requests, here, 'status=~"5.."', counted),
        ),
        Slo(
            service.name,
            "latency",
            objectives.latency,
            f"{100 * objectives.latency:.10g} % of the requests are to be answered within {threshold_s:g} s.",
            total_series=selector("service_request_duration_seconds_count", here, timed),
            wrong_series="",
            right_series=selector(buckets, here, bucket_at(threshold_s), timed),
        ),
    )


def _without(routes: tuple[str, ...]) -> str:
    return f"route!~{text(alternatives(routes))}" if routes else ""
