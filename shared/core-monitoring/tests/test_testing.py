import threading

import pytest
from opentelemetry import trace

from maestro_core_monitoring import MetricsCollector
from maestro_core_monitoring import testing as helpers
from maestro_core_monitoring.testing import captured_spans, metric_changes, metric_value, metric_values


def test_public_names_are_pinned() -> None:
    """The helpers that users import."""
    assert helpers.__all__ == [
        "CapturedSpan",
        "CapturedSpans",
        "MetricChanges",
        "captured_spans",
        "metric_changes",
        "metric_value",
        "metric_values",
    ]


def test_spans_are_told_by_name_trace_and_place() -> None:
    """Attributes, kind, status and parent are at hand without OpenTelemetry's own types."""
    tracer = trace.get_tracer("t")
    with captured_spans() as spans:
        with tracer.start_as_current_span("outer") as outer, tracer.start_as_current_span("inner"):
            pass
        tracer.start_span("other", attributes={"n": 1}).end()
    inner = spans.one("inner")
    assert spans.names == ["inner", "outer", "other"]
    assert spans.children(spans.one("outer")) == [inner]
    assert spans.of_trace(f"{outer.get_span_context().trace_id:032x}") == [inner, spans.one("outer")]
    assert (spans.one("other").attributes, inner.kind, inner.status) == ({"n": 1}, "internal", "unset")
    assert inner.resource["service.name"]
    assert 0 <= inner.duration_s <= spans.one("outer").duration_s
    spans.clear()
    assert len(spans) == 0


def test_only_spans_of_the_block_are_captured() -> None:
    """Not those before and after; nested captures each have their own; other threads are seen, too."""
    tracer = trace.get_tracer("t")
    with captured_spans() as outer:
        tracer.start_span("one").end()
        with captured_spans() as inner:
            thread = threading.Thread(target=lambda: tracer.start_span("two").end())
            thread.start()
            thread.join()
        tracer.start_span("three").end()
    tracer.start_span("four").end()
    assert (outer.names, inner.names) == (["one", "two", "three"], ["two"])


@pytest.mark.parametrize("count", [0, 2])
def test_the_only_one_must_be_one(count: int) -> None:
    """The error lists what there is."""
    with captured_spans() as spans:
        for _ in range(count):
            trace.get_tracer("t").start_span("work").end()
        trace.get_tracer("t").start_span("other").end()
    with pytest.raises(AssertionError, match=f"{count} spans are named 'work'; there are .*'other'"):
        spans.one("work")


def test_values_and_changes_of_metrics() -> None:
    """One value, all values, and what a block changed; labels that are not named may have any value."""
    metrics = MetricsCollector("orders")
    shipped = metrics.counter("shipped", "Shipped.", ("country", "kind"))
    shipped.labels("nl", "book").inc(5)
    with metric_changes(metrics) as changes:
        shipped.labels("nl", "book").inc()
        shipped.labels("be", "book").inc(2)
        assert changes.of("shipped_total") == 3
    shipped.labels("nl", "book").inc()
    assert changes.of("shipped_total", country="nl") == 1
    assert changes.of("shipped_total", kind="book") == 3
    assert changes.of("shipped_total", country="fr") == changes.of("nothing_total") == 0
    assert metric_values(metrics, "shipped_total") == {("nl", "book"): 7, ("be", "book"): 2}
    assert metric_value(metrics, "shipped_total", country="nl", kind="book") == 7
    assert metric_value(metrics, "shipped_total", country="nl") is None
