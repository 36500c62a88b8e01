"""The four standard metrics of every service, and the place where a service adds its own."""

import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from maestro_core_logging import get_logger
from maestro_core_monitoring._errors import MonitoringError
from maestro_core_monitoring._objectives import Objectives, objectives_for
from maestro_core_monitoring._tracing._statistics import SpanMetrics

from ._counter import Counter
from ._declaration import Across, MetricDeclaration, declare
from ._disks import watch_disk
from ._gauge import Gauge, GaugeSeries
from ._histogram import Histogram
from ._process import Processes
from ._requests import RequestSeries
from ._runtime import PythonMetrics
from ._showing import AnyFamily, Refresh, Shown, ShownElsewhere
from ._slots import OwnSlots, Slots

if TYPE_CHECKING:
    from maestro_core_monitoring._workers._view import WorkersView

DURATION_BUCKETS_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)

_logger = get_logger(__name__)
_Made = TypeVar("_Made", Counter, Gauge, Histogram)


class MetricsCollector:
    """Collects the metrics of one service.

    Every service has `service_requests_total`, `service_request_duration_seconds`, `service_errors_total` and
    `service_health_status`; `counter`, `gauge` and `histogram` add more. Each collector has its own registry, so that
    several services in one process never mix.

    Args:
        service_name: Value of the `service` label.
        registry: Where the metrics are registered. By default a new registry that also holds the metrics of the
            process (memory, CPU, open files), of the interpreter and of span export.
        max_series: How many combinations of labels a metric may have unless it says otherwise, the request metrics
            included. Beyond it, values are counted under `overflow`, so that nobody can make the service's memory grow.
        version: Shown in `service_info`.
        workers_dir: Folder that the workers of this service share, empty when the service starts. Every worker then shows
            what all of them have counted, those that died included. None shows this process.
        duration_buckets: Upper bounds of `service_request_duration_seconds`, in seconds.
        objectives: What the service promises; the generated rules and dashboards hold it to that.

    Raises:
        MonitoringError: The workers' folder cannot be used, or the objectives cannot be measured.
    """

    def __init__(
        self,
        service_name: str = "maestro",
        registry: CollectorRegistry | None = None,
        *,
        max_series: int = 2_000,
        version: str | None = None,
        workers_dir: Path | None = None,
        duration_buckets: Sequence[float] = DURATION_BUCKETS_S,
        objectives: Objectives | None = None,
    ) -> None:
        self.service_name = service_name
        self.registry = CollectorRegistry() if registry is None else registry
        self._max_series = max_series
        self._adding = threading.RLock()
        self._families: dict[str, AnyFamily] = {}
        self._failing: set[str] = set()
        self._refreshers: list[Callable[[], None]] = []
        self._slots, self._view = _slots_of(workers_dir)
        self.registry.register(Refresh(self._refresh))
        self._refused = self._once(
            declare(
                "service_metric_series_refused_total",
                "counter",
                "Times that a metric had too many series to tell a further one apart.",
                ("service", "metric"),
            ),
            Counter,
            None,
        )
        self._health = self.gauge(
            "service_health_status",
            "1 when the health check passes, 0 when it fails.",
            ("service", "check"),
            across="min",
        )
        self._requests = RequestSeries(
            service_name,
            requests=self.counter(
                "service_requests_total", "Requests answered.", ("service", "method", "route", "status")
            ),
            durations=self.histogram(
                "service_request_duration_seconds",
                "Time from the request's head to the end of its answer.",
                ("service", "method", "route"),
                buckets=duration_buckets,
            ),
            errors=self.counter(
                "service_errors_total",
                "Answers with a status of 400 and above.",
                ("service", "route", "status", "error_code"),
            ),
            slots=self._slots,
            max_series=max_series,
        )
        self.objectives = objectives or objectives_for(duration_buckets)
        self._standard = frozenset(self._families)
        self._python: PythonMetrics | None = None
        if registry is None:
            self._measure_process(version)
        if self._view is not None:
            self.registry.register(ShownElsewhere(self._view, self._families.__contains__))

    @property
    def objectives(self) -> Objectives:
        """What the service promises."""
        return self._objectives

    @objectives.setter
    def objectives(self, objectives: Objectives) -> None:
        objectives.check(self._families["service_request_duration_seconds"].metric.buckets)
        self._objectives = objectives

    @property
    def declared(self) -> tuple[MetricDeclaration, ...]:
        """Every metric of this collector, in the order in which they were added."""
        return tuple(family.metric for family in self._families.values())

    @property
    def own(self) -> tuple[MetricDeclaration, ...]:
        """The metrics that the service itself has added."""
        return tuple(metric for metric in self.declared if metric.name not in self._standard)

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

        While a trace is recorded, its id is kept as the example of the bucket that the request falls in.

        Args:
            method: HTTP method; anything that is not a standard method is counted as `_OTHER`.
            route: The route's template (`/runs/{id}`), never the path itself; `unmatched` when there is none.
            status: HTTP status of the answer.
            duration: How long it took; a number is in seconds.
            error_code: Stable code of the error, when the answer was one.
        """
        duration_s = duration.total_seconds() if isinstance(duration, timedelta) else duration
        self._requests.observe(method, route, status, duration_s, error_code)

    def set_health(self, check: str, healthy: bool) -> None:
        """Publish the outcome of one health check.

        Args:
            check: Name of the check.
            healthy: Whether it passed.
        """
        self._health.labels(self.service_name, check).set(1 if healthy else 0)

    def counter(
        self, name: str, description: str, labels: Sequence[str] = (), *, max_series: int | None = None
    ) -> Counter:
        """Return the counter of this name, made on the first call.

        Args:
            name: Metric name; `_total` is added at its end when it is missing.
            description: One sentence for whoever reads the metric.
            labels: Names of the labels.
            max_series: How many combinations of label values there may be; by default as many as the collector says.

        Returns:
            The same counter for the same name.

        Raises:
            MonitoringError: The name is already used with other labels or for another kind of metric, or cannot be one.
        """
        return self._once(declare(name, "counter", description, labels), Counter, max_series)

    def gauge(
        self,
        name: str,
        description: str,
        labels: Sequence[str] = (),
        *,
        max_series: int | None = None,
        across: Across = "sum",
    ) -> Gauge:
        """Return the gauge of this name, made on the first call.

        Args:
            name: Metric name.
            description: One sentence for whoever reads the metric.
            labels: Names of the labels.
            max_series: How many combinations of label values there may be; by default as many as the collector says.
                Further ones are not shown: different things in one gauge would be a number that is true of nothing.
            across: How the values of several workers become one.

        Returns:
            The same gauge for the same name.

        Raises:
            MonitoringError: The name is already used with other labels or for another kind of metric, or cannot be one.
        """
        return self._once(declare(name, "gauge", description, labels, across=across), Gauge, max_series)

    def histogram(
        self,
        name: str,
        description: str,
        labels: Sequence[str] = (),
        *,
        buckets: Sequence[float] | None = None,
        max_series: int | None = None,
    ) -> Histogram:
        """Return the histogram of this name, made on the first call.

        Args:
            name: Metric name with its unit (`_seconds`, `_bytes`).
            description: One sentence for whoever reads the metric.
            labels: Names of the labels.
            buckets: Upper bounds in the metric's unit; by default from 1 ms to 60 s.
            max_series: How many combinations of label values there may be; by default as many as the collector says.

        Returns:
            The same histogram for the same name.

        Raises:
            MonitoringError: The name is already used with other labels, other buckets or for another kind of metric, or
                cannot be one.
        """
        metric = declare(name, "histogram", description, labels, buckets=buckets or DURATION_BUCKETS_S)
        return self._once(metric, Histogram, max_series)

    def watch_disk(self, disk: str, path: Path) -> None:
        """Show free space and size of the disk that a folder is on.

        Args:
            disk: What it is for (`data`), the value of a label.
            path: The folder.
        """
        watch_disk(self, disk, path)

    def runtime_watched(self, interval: timedelta = timedelta(seconds=1)) -> AbstractAsyncContextManager[None]:
        """Measure the event loop and garbage collection while a block runs; made for the lifespan of a service.

        Args:
            interval: Between two looks.

        Returns:
            An async context manager.
        """
        python = self._python or PythonMetrics(self)
        return python.watched(interval, self._refresh_own)

    def render(self, accept: str | None = None) -> tuple[bytes, str]:
        """Render every metric.

        Args:
            accept: The request's `Accept` header. `application/openmetrics-text` brings examples with trace ids along; anything
                else is answered in the Prometheus text format.

        Returns:
            The body and its content type.
        """
        encode, content_type = choose_encoder(accept or "")
        return encode(self.registry), content_type

    def exposition(self) -> tuple[bytes, str]:
        """Render every metric in the Prometheus text format.

        Returns:
            The body and its content type.
        """
        return self.render("text/plain; version=1.0.0")

    def _measure_process(self, version: str | None) -> None:
        before = set(self._families)
        info = self.gauge("service_info", "Always 1; its labels tell what runs.", ("service", "version"), across="max")
        info.labels(self.service_name, version or "unknown").set(1)
        self._python = PythonMetrics(self)
        self._refreshers += [self._python.refresh, SpanMetrics(self).refresh]
        self._standard |= set(self._families) - before | {
            "python_gc_pause_seconds",
            "asyncio_loop_lag_seconds",
            "asyncio_tasks",
            "service_disk_free_bytes",
            "service_disk_size_bytes",
        }
        self.registry.register(Processes(self._view.processes if self._view is not None else None))

    def _refresh(self) -> None:
        self._refresh_own()
        if self._view is not None:
            self._view.refresh()

    def _refresh_own(self) -> None:
        for refresh in self._refreshers:
            refresh()
        for family in list(self._families.values()):
            if isinstance(family, Gauge):
                for _, series in family.shown():
                    if series.function is not None:
                        self._ask(family.metric.name, series)

    def _ask(self, name: str, series: GaugeSeries) -> None:
        assert series.function is not None, "asked of those that have one"
        try:
            series.set(series.function())
        except Exception as error:
            if name not in self._failing:
                self._failing.add(name)
                _logger.warning("The function of a gauge fails; its last value stays", metric=name, exc_info=error)

    def _refuse(self, metric: str) -> None:
        self._refused.unlimited(self.service_name, metric).inc()

    def _once(self, metric: MetricDeclaration, kind: type[_Made], max_series: int | None) -> _Made:
        with self._adding:
            known = self._families.get(metric.name)
            if known is None:
                made = kind(
                    metric,
                    self._slots,
                    max_series=self._max_series if max_series is None else max_series,
                    on_refused=self._refuse,
                )
                try:
                    self.registry.register(Shown(made, self._view))
                except ValueError as error:
                    raise MonitoringError(
                        f"metric {metric.name!r} is in the registry already, added by somebody else"
                    ) from error
                self._families[metric.name] = made
                if not metric.labels:
                    made.labels()  # shown from the beginning, as zero
                return made
        if not isinstance(known, kind) or known.metric.labels != metric.labels:
            raise MonitoringError(f"metric {metric.name!r} already exists with another kind or other labels")
        if known.metric.buckets != metric.buckets:
            raise MonitoringError(f"histogram {metric.name!r} already exists with other buckets")
        return known


def _slots_of(workers_dir: Path | None) -> "tuple[Slots, WorkersView | None]":
    if workers_dir is None:
        return OwnSlots(), None
    # Loaded here because it needs locks on files, which not every system has.
    from maestro_core_monitoring._workers._folder import Folder  # noqa: PLC0415
    from maestro_core_monitoring._workers._slots import WorkerSlots  # noqa: PLC0415
    from maestro_core_monitoring._workers._view import WorkersView  # noqa: PLC0415

    slots = WorkerSlots(Folder(workers_dir))
    return slots, WorkersView(slots.folder)
