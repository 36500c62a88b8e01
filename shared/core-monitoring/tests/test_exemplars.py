from collections.abc import Iterator

import pytest
from opentelemetry import trace
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from maestro_core_monitoring import MetricsCollector, current_trace_id
from maestro_core_monitoring.testing import CapturedSpans, captured_spans

OPENMETRICS = "application/openmetrics-text; version=1.0.0"


def exemplars(collector: MetricsCollector, name: str) -> dict[str, tuple[dict[str, str], float]]:
    """Read the exemplars of a metric by the bucket they are in (or an empty text)."""
    body, _ = collector.render(OPENMETRICS)
    return {
        sample.labels.get("le", ""): (sample.exemplar.labels, sample.exemplar.value)
        for family in text_string_to_metric_families(body.decode())
        for sample in family.samples
        if sample.name == name and sample.exemplar is not None
    }


@pytest.fixture
def spans() -> Iterator[CapturedSpans]:
    with captured_spans() as spans:
        yield spans


@pytest.mark.usefixtures("spans")
def test_requests_leave_the_trace_that_they_belong_to() -> None:
    """Each bucket keeps the trace of its latest request, the error count that of the latest error."""
    collector = MetricsCollector("orders")
    traces = []
    for duration, status in ((0.02, 200), (0.021, 200), (3.0, 500)):
        with trace.get_tracer("t").start_as_current_span("request"):
            traces.append(current_trace_id())
            collector.observe_request(method="GET", route="/a", status=status, duration=duration)
    assert exemplars(collector, "service_request_duration_seconds_bucket") == {
        "0.025": ({"trace_id": traces[1]}, 0.021),
        "5.0": ({"trace_id": traces[2]}, 3.0),
    }
    assert exemplars(collector, "service_errors_total") == {"": ({"trace_id": traces[2]}, 1.0)}


@pytest.mark.usefixtures("spans")
def test_own_metrics_leave_traces_too_and_take_labels_of_the_caller() -> None:
    """A counter or histogram keeps the recorded trace, or what the caller names."""
    collector = MetricsCollector("orders")
    sizes = collector.histogram("sizes", "Sizes.", buckets=(1, 2))
    with trace.get_tracer("t").start_as_current_span("work"):
        sizes.observe(1.5)
        recorded = current_trace_id()
    sizes.observe(0.5, exemplar={"order": "17"})
    assert exemplars(collector, "sizes_bucket") == {"1.0": ({"order": "17"}, 0.5), "2.0": ({"trace_id": recorded}, 1.5)}


@pytest.mark.usefixtures("spans")
def test_a_trace_that_is_not_recorded_leaves_nothing() -> None:
    """Nobody could look at it."""
    collector = MetricsCollector("orders")
    dropped = trace.SpanContext(1, 2, is_remote=True, trace_flags=trace.TraceFlags(0))
    with trace.use_span(trace.NonRecordingSpan(dropped)):
        collector.observe_request(method="GET", route="/a", status=200, duration=0.1)
    collector.observe_request(method="GET", route="/a", status=200, duration=0.1)
    assert exemplars(collector, "service_request_duration_seconds_bucket") == {}


def test_labels_that_are_too_long_are_left_out() -> None:
    """OpenMetrics allows 128 characters; a value must not make the whole exposition unreadable."""
    collector = MetricsCollector("orders")
    collector.counter("c", "C.").inc(exemplar={"text": "x" * 200})
    assert exemplars(collector, "c_total") == {}


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        (None, "text/plain; version=0.0.4"),
        ("*/*", "text/plain; version=0.0.4"),
        (
            "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.2",
            "application/openmetrics-text",
        ),
        (OPENMETRICS, "application/openmetrics-text; version=1.0.0"),
    ],
)
def test_the_format_is_what_the_reader_asks_for(accept: str | None, content_type: str) -> None:
    """OpenMetrics for those who name it, the text format for everybody else."""
    body, answered = MetricsCollector("orders").render(accept)
    assert answered.startswith(content_type)
    assert body.endswith(b"# EOF\n") == answered.startswith("application/openmetrics-text")
