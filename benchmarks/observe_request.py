"""Counting one request: maestro_core_monitoring beside the same two metrics of prometheus_client, in one run."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Histogram

from maestro_core_monitoring import MetricsCollector

REQUESTS, ROUNDS = 50_000, 7


def cost(count: Callable[[], None]) -> float:
    """Return the best of several rounds, in µs a request."""
    best = float("inf")
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        for _ in range(REQUESTS):
            count()
        best = min(best, time.perf_counter() - begun)
    return best / REQUESTS * 1e6


def main() -> None:
    """Print the figures."""
    registry = CollectorRegistry()
    labels = ("service", "method", "route")
    requests = Counter("requests_total", "Requests.", (*labels, "status"), registry=registry)
    durations = Histogram("duration_seconds", "Durations.", labels, registry=registry)

    def peer() -> None:
        requests.labels("orders", "GET", "/orders/{id}", "200").inc()
        durations.labels("orders", "GET", "/orders/{id}").observe(0.0123)

    def ours(metrics: MetricsCollector) -> Callable[[], None]:
        return lambda: metrics.observe_request(method="GET", route="/orders/{id}", status=200, duration=0.0123)

    with tempfile.TemporaryDirectory() as folder:
        theirs = cost(peer)
        alone, shared = (
            cost(ours(MetricsCollector("orders"))),
            cost(ours(MetricsCollector("orders", workers_dir=Path(folder)))),
        )
    print(f"prometheus_client: {theirs:.2f} µs a request")
    print(
        f"observe_request: {alone:.2f} µs, {alone / theirs:.2f} x; shared by workers: {shared:.2f} µs, {shared / theirs:.2f} x"
    )


if __name__ == "__main__":
    main()
