"""Counting answered requests: the path that every request takes, so that it does no more than it must."""

from bisect import bisect_left
from typing import Final

from maestro_core_monitoring._tracing._receivers import RECEIVERS

from ._counter import Counter, CounterSeries
from ._exemplars import current_exemplar
from ._family import OVERFLOW
from ._histogram import Histogram, HistogramSeries
from ._slots import Slots

KNOWN_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"})


class RequestSeries:
    """Counts requests in the three metrics that every service has for them.

    Args:
        service_name: Value of the `service` label.
        requests: Labels service, method, route, status.
        durations: Labels service, method, route; seconds.
        errors: Labels service, route, status, error_code.
        slots: Where the numbers stand.
        max_series: How many combinations of method, route and status there may be, and how many of route, status and
            error code; what is beyond has the route `overflow`.
    """

    def __init__(
        self,
        service_name: str,
        *,
        requests: Counter,
        durations: Histogram,
        errors: Counter,
        slots: Slots,
        max_series: int,
    ) -> None:
        self._service = service_name
        self._requests = requests
        self._durations = durations
        self._errors = errors
        self._lock = slots.lock
        self._max_series = max_series
        self._bounds = durations.metric.buckets
        self._above = len(self._bounds) + 1
        # Looking labels up in the families takes a lock and builds strings; this does not.
        self._known: dict[tuple[str, str, int], tuple[CounterSeries, HistogramSeries]] = {}
        self._known_errors: dict[tuple[str, int, str], CounterSeries] = {}

    def observe(self, method: str, route: str, status: int, duration_s: float, error_code: str | None) -> None:
        """Count one answered request.

        Args:
            method: HTTP method.
            route: Template of the route.
            status: Status of the answer.
            duration_s: How long it took.
            error_code: Code of the error, if the answer was one.
        """
        series = self._known.get((method, route, status))
        if series is None:
            series = self._add(method, route, status)
        requests, durations = series
        bucket = bisect_left(self._bounds, duration_s)
        with self._lock:
            values, at = durations.values, durations.at
            requests.values[requests.at] += 1
            values[at + bucket] += 1
            values[at + self._above] += duration_s
        if RECEIVERS.present and (example := current_exemplar(duration_s)) is not None:
            durations.exemplars[bucket] = example
            requests.exemplar = example
        if status >= 400:
            self._error(route, status, error_code or f"HTTP_{status}").inc()

    def _add(self, method: str, route: str, status: int) -> tuple[CounterSeries, HistogramSeries]:
        if method not in KNOWN_METHODS:
            method = "_OTHER"
        key = (method, route, status)
        series = self._known.get(key)
        if series is not None:
            return series
        if len(self._known) >= self._max_series:
            key = (method, OVERFLOW, status)
            self._requests.refuse()
            series = self._known.get(key)
            if series is not None:
                return series
        series = (
            self._requests.unlimited(self._service, key[0], key[1], str(status)),
            self._durations.unlimited(self._service, key[0], key[1]),
        )
        self._known[key] = series
        return series

    def _error(self, route: str, status: int, error_code: str) -> CounterSeries:
        key = (route, status, error_code)
        series = self._known_errors.get(key)
        if series is None:
            if len(self._known_errors) >= self._max_series:
                key = (OVERFLOW, status, OVERFLOW)
                self._errors.refuse()
            series = self._errors.unlimited(self._service, key[0], str(status), key[2])
            self._known_errors[key] = series
        return series
