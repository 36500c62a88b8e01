from datetime import timedelta
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from maestro_core_monitoring import MetricsCollector, MonitoringError


def samples(collector: MetricsCollector) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Read the exposition the way Prometheus does: name and labels to value."""
    body, _ = collector.exposition()
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(body.decode())
        for sample in family.samples
    }


def value(collector: MetricsCollector, name: str, **labels: str) -> float | None:
    """Read one sample; None when there is none."""
    return samples(collector).get((name, frozenset(labels.items())))


def observe(collector: MetricsCollector, **changes: Any) -> None:
    """Count a request, by default GET /runs/{id} answered 200 in 20 ms."""
    collector.observe_request(**{"method": "GET", "route": "/runs/{id}", "status": 200, "duration": 0.02, **changes})


def test_a_request_counts_in_the_standard_metrics() -> None:
    """An answered request shows under its service, method, route template and status."""
    collector = MetricsCollector("orders")
    observe(collector)
    observe(collector, duration=timedelta(milliseconds=30))
    labels = {"service": "orders", "method": "GET", "route": "/runs/{id}"}
    assert value(collector, "service_requests_total", **labels, status="200") == 2
    assert value(collector, "service_request_duration_seconds_count", **labels) == 2
    assert value(collector, "service_request_duration_seconds_sum", **labels) == pytest.approx(0.05)
    assert value(collector, "service_request_duration_seconds_bucket", **labels, le="0.025") == 1


def test_only_errors_count_as_errors() -> None:
    """Answers below 400 leave service_errors_total alone; above, the error code tells which."""
    collector = MetricsCollector("orders")
    observe(collector, status=399)
    observe(collector, status=404, error_code="RUN_NOT_FOUND")
    observe(collector, status=503)
    common = {"service": "orders", "route": "/runs/{id}"}
    assert value(collector, "service_errors_total", **common, status="404", error_code="RUN_NOT_FOUND") == 1
    assert value(collector, "service_errors_total", **common, status="503", error_code="HTTP_503") == 1
    assert sum(v for (name, _), v in samples(collector).items() if name == "service_errors_total") == 2


def test_invented_methods_share_one_series() -> None:
    """A caller cannot make new series by inventing HTTP methods."""
    collector = MetricsCollector("orders")
    for number in range(50):
        observe(collector, method=f"METHOD{number}")
    labels = {"service": "orders", "method": "_OTHER", "route": "/runs/{id}", "status": "200"}
    assert value(collector, "service_requests_total", **labels) == 50


def test_series_beyond_the_limit_go_to_overflow() -> None:
    """Beyond max_series every further route and error code is counted as overflow, and nothing is lost."""
    collector = MetricsCollector("orders", max_series=3)
    for number in range(10):
        observe(collector, route=f"/r{number}", status=404, error_code=f"CODE_{number}")
    found = samples(collector)
    totals = {labels: v for (name, labels), v in found.items() if name == "service_requests_total"}
    errors = {labels: v for (name, labels), v in found.items() if name == "service_errors_total"}
    assert sum(totals.values()) == sum(errors.values()) == 10
    assert len(totals) == len(errors) == 4
    assert (
        value(
            collector, "service_errors_total", service="orders", route="overflow", status="404", error_code="overflow"
        )
        == 7
    )


def test_health_is_published_as_zero_or_one() -> None:
    """service_health_status follows the last outcome of a check."""
    collector = MetricsCollector("orders")
    collector.set_health("database", True)
    assert value(collector, "service_health_status", service="orders", check="database") == 1
    collector.set_health("database", False)
    assert value(collector, "service_health_status", service="orders", check="database") == 0


def test_own_metrics_are_made_once() -> None:
    """Asking again for a metric of the same name gives the same metric."""
    collector = MetricsCollector("orders")
    assert collector.counter("runs_started_total", "Runs.", ("workflow",)) is collector.counter(
        "runs_started_total", "Runs.", ("workflow",)
    )
    assert collector.gauge("runs_open", "Open runs.") is collector.gauge("runs_open", "Open runs.")
    histogram = collector.histogram("step_seconds", "Steps.", buckets=(1, 2))
    histogram.observe(1.5)
    assert collector.histogram("step_seconds", "Steps.", buckets=(1, 2)) is histogram
    assert value(collector, "step_seconds_bucket", le="2.0") == 1


@pytest.mark.parametrize("clash", ["kind", "labels"])
def test_a_metric_cannot_change_its_meaning(clash: str) -> None:
    """The same name with another kind or other labels is an error that names the metric."""
    collector = MetricsCollector("orders")
    collector.counter("runs_total", "Runs.")
    with pytest.raises(MonitoringError, match="runs_total"):
        collector.gauge("runs_total", "Runs.") if clash == "kind" else collector.counter("runs_total", "Runs.", ("a",))


def test_collectors_do_not_mix() -> None:
    """Two services in one process keep their metrics apart."""
    one, two = MetricsCollector("one"), MetricsCollector("two")
    observe(one)
    assert b'service="one"' in one.exposition()[0]
    assert b'service="one"' not in two.exposition()[0]


def test_the_process_is_measured_too() -> None:
    """A collector with a registry of its own also shows the process, one with a given registry does not."""
    assert b"process_resident_memory_bytes" in MetricsCollector().exposition()[0]
    assert b"process_resident_memory_bytes" not in MetricsCollector(registry=CollectorRegistry()).exposition()[0]


def test_exposition_is_the_prometheus_text_format() -> None:
    """The content type is the one that Prometheus negotiates."""
    assert MetricsCollector().exposition()[1].startswith("text/plain; version=")


@pytest.mark.parametrize(
    ("buckets", "threshold_s"), [((0.1, 0.5, 1), 0.5), ((0.1, 1, 2), 1), ((0.1, 0.2, float("inf")), 0.2)]
)
def test_durations_may_have_other_buckets(buckets: tuple[float, ...], threshold_s: float) -> None:
    """The latency that is promised by default is one that can be measured."""
    collector = MetricsCollector("orders", duration_buckets=buckets)
    observe(collector, duration=0.15)
    labels = {"service": "orders", "method": "GET", "route": "/runs/{id}"}
    assert value(collector, "service_request_duration_seconds_bucket", **labels, le="0.1") == 0
    assert value(collector, "service_request_duration_seconds_bucket", **labels, le="+Inf") == 1
    assert collector.objectives.latency_threshold.total_seconds() == threshold_s
