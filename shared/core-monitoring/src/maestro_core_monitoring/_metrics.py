"""The four standard metrics of every service, and the place where a service adds its own."""

import threading
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Final, TypeVar

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.gc_collector import GCCollector
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.process_collector import ProcessCollector

from ._errors import MonitoringError

KNOWN_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"})
OVERFLOW: Final = "overflow"
_DURATION_BUCKETS_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)

_Metric = TypeVar("_Metric", bound=MetricWrapperBase)


class MetricsCollector:
    """Collects the metrics of one service.

    Every service has `service_requests_total`, `service_request_duration_seconds`, `service_errors_total` and
    `service_health_status`; `counter`, `gauge` and `histogram` add more. Each collector has its own registry, so that
    several services in one process never mix.

    Args:
        service_name: Value of the `service` label.
        registry: Where the metrics are registered. By default a new registry that also holds the metrics of the
            process (memory, CPU, open files) and of the garbage collector.
        max_series: How many combinations of labels the request metrics may have. Beyond it, requests are counted
            under the route `overflow`, so that no caller can make the service's memory grow.
    """

    def __init__(
        self,
        service_name: str = "maestro",
        registry: CollectorRegistry | None = None,
        *,
        max_series: int = 2_000,
    ) -> None:
        if registry is None:
            registry = CollectorRegistry()
            ProcessCollector(registry=registry)
            GCCollector(registry=registry)
        self.service_name = service_name
        self.registry = registry
        self._max_series = max_series
        self._lock = threading.Lock()
        self._own: dict[str, MetricWrapperBase] = {}
        self._requests = self.counter(
            "service_requests_total", "Requests answered.", ("service", "method", "route", "status")
        )
        self._durations = self.histogram(
            "service_request_duration_seconds",
            "Time from the request's head to the end of its answer.",
            ("service", "method", "route"),
            buckets=_DURATION_BUCKETS_S,
        )
        self._errors = self.counter(
            "service_errors_total",
            "Answers with a status of 400 and above.",
            ("service", "route", "status", "error_code"),
        )
        self._health = self.gauge(
            "service_health_status", "1 when the health check passes, 0 when it fails.", ("service", "check")
        )
        # prometheus_client's labels() takes a lock and builds strings; a plain look-up keeps the request path cheap.
        self._request_series: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        self._error_series: dict[tuple[str, int, str], Counter] = {}

    def observe_request(
        self,
        *,
        method: str,
        route: str,
        status: int,
        duration: timedelta | float,
        error_code: str | None = None,
    ) -> None:
        """Count one answered request.

        Args:
            method: HTTP method; anything that is not a standard method is counted as `_OTHER`.
            route: The route's template (`/runs/{id}`), never the path itself; `unmatched` when there is none.
            status: HTTP status of the answer.
            duration: How long it took; a number is in seconds.
            error_code: Stable code of the error, when the answer was one.
        """
        series = self._request_series.get((method, route, status))
        if series is None:
            series = self._add_request_series(method, route, status)
        requests, durations = series
        requests.inc()
        durations.observe(duration.total_seconds() if isinstance(duration, timedelta) else duration)
        if status >= 400:
            self._count_error(route, status, error_code or f"HTTP_{status}")

    def set_health(self, check: str, healthy: bool) -> None:
        """Publish the outcome of one health check.

        Args:
            check: Name of the check.
            healthy: Whether it passed.
        """
        self._health.labels(self.service_name, check).set(1 if healthy else 0)

    def counter(self, name: str, description: str, labels: Sequence[str] = ()) -> Counter:
        """Return the counter of this name, made on the first call.

        Args:
            name: Metric name; `_total` at its end is the convention.
            description: One sentence for whoever reads the metric.
            labels: Names of the labels.

        Returns:
            The same counter for the same name.

        Raises:
            MonitoringError: The name is already used with other labels or for another kind of metric.
        """
        return self._once(name, Counter, lambda: Counter(name, description, labels, registry=self.registry), labels)

    def gauge(self, name: str, description: str, labels: Sequence[str] = ()) -> Gauge:
        """Return the gauge of this name, made on the first call.

        Args:
            name: Metric name.
            description: One sentence for whoever reads the metric.
            labels: Names of the labels.

        Returns:
            The same gauge for the same name.

        Raises:
            MonitoringError: The name is already used with other labels or for another kind of metric.
        """
        return self._once(name, Gauge, lambda: Gauge(name, description, labels, registry=self.registry), labels)

    def histogram(
        self, name: str, description: str, labels: Sequence[str] = (), *, buckets: Sequence[float] | None = None
    ) -> Histogram:
        """Return the histogram of this name, made on the first call.

        Args:
            name: Metric name with its unit (`_seconds`, `_bytes`).
            description: One sentence for whoever reads the metric.
            labels: Names of the labels.
            buckets: Upper bounds in the metric's unit; by default those of the request durations.

        Returns:
            The same histogram for the same name.

        Raises:
            MonitoringError: The name is already used with other labels or for another kind of metric.
        """
        bounds = tuple(buckets or _DURATION_BUCKETS_S)
        return self._once(
            name,
            Histogram,
            lambda: Histogram(name, description, labels, buckets=bounds, registry=self.registry),
            labels,
        )

    def exposition(self) -> tuple[bytes, str]:
        """Render every metric in the Prometheus text format.

        Returns:
            The body and its content type.
        """
        return generate_latest(self.registry), CONTENT_TYPE_LATEST

    def _add_request_series(self, method: str, route: str, status: int) -> tuple[Counter, Histogram]:
        if method not in KNOWN_METHODS:
            method = "_OTHER"
        if len(self._request_series) >= self._max_series:
            route = OVERFLOW
        key = (method, route, status)
        series = self._request_series.get(key)
        if series is None:
            series = (
                self._requests.labels(self.service_name, method, route, str(status)),
                self._durations.labels(self.service_name, method, route),
            )
            self._request_series[key] = series
        return series

    def _count_error(self, route: str, status: int, error_code: str) -> None:
        key = (route, status, error_code)
        series = self._error_series.get(key)
        if series is None:
            if len(self._error_series) >= self._max_series:
                key = (OVERFLOW, status, OVERFLOW)
            series = self._errors.labels(self.service_name, key[0], str(status), key[2])
            self._error_series[key] = series
        series.inc()

    def _once(self, name: str, kind: type[_Metric], make: Callable[[], _Metric], labels: Sequence[str]) -> _Metric:
        with self._lock:
            metric = self._own.get(name)
            if metric is None:
                created = make()
                self._own[name] = created
                return created
        if not isinstance(metric, kind) or metric._labelnames != tuple(labels):  # noqa: SLF001 - it has no public getter
            raise MonitoringError(f"metric {name!r} already exists with another kind or other labels")
        return metric
