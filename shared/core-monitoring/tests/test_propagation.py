from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry import trace

from maestro_core_monitoring import continued_trace, current_trace_id, extract, inject
from maestro_core_monitoring.testing import CapturedSpans, captured_spans

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
PARENT = f"00-{TRACE}-{SPAN}-01"
OTHER = f"00-{'1' * 32}-{'2' * 16}-01"


@pytest.fixture
def spans() -> Iterator[CapturedSpans]:
    with captured_spans() as spans:
        yield spans


class Event:
    """A CloudEvent as the CNCF's SDK has it."""

    def __init__(self, attributes: dict[str, Any]) -> None:
        self._attributes = attributes

    def get_attributes(self) -> dict[str, Any]:
        return self._attributes

    def __setitem__(self, name: str, value: str) -> None:
        self._attributes[name] = value


def ids(carrier: Any) -> tuple[str, str] | None:
    """Return trace and span that a carrier brings."""
    context = trace.get_current_span(extract(carrier)).get_span_context()
    return (f"{context.trace_id:032x}", f"{context.span_id:016x}") if context.is_valid else None


@pytest.mark.parametrize(
    "carrier",
    [
        {"traceparent": PARENT},
        {"TraceParent": PARENT},
        {"specversion": "1.0", "type": "order.shipped", "traceparent": PARENT, "data": {"traceparent": "mine"}},
        {"ce-traceparent": PARENT},
        {"traceparent": OTHER, "ce-traceparent": PARENT},
        {"ce-traceparent": PARENT, "traceparent": OTHER},
        [(b"host", b"here"), (b"traceparent", PARENT.encode())],
        Event({"type": "order.shipped", "traceparent": PARENT}),
    ],
)
def test_a_trace_is_found_in_whatever_brings_it(carrier: Any) -> None:
    """Headers in any case, ASGI's pairs, CloudEvents as dictionary, in headers, and as object; an event's own trace first."""
    assert ids(carrier) == (TRACE, SPAN)


@pytest.mark.parametrize(
    "carrier",
    [
        {},
        [],
        {"traceparent": ""},
        {"traceparent": "nonsense"},
        {"traceparent": f"00-{'0' * 32}-{SPAN}-01"},
        {"traceparent": 17},
    ],
)
def test_what_is_no_trace_begins_a_new_one(carrier: Any, spans: CapturedSpans) -> None:
    """Input from outside cannot make it fail, and the surroundings do not leak in."""
    assert ids(carrier) is None
    with trace.get_tracer("t").start_as_current_span("surroundings"), continued_trace(carrier, "handle"):
        pass
    handled, around = spans.one("handle"), spans.one("surroundings")
    assert handled.parent_id is None
    assert handled.trace_id != around.trace_id


@pytest.mark.parametrize("carrier", [{"type": "order.shipped"}, Event({"type": "order.shipped"})])
def test_a_trace_goes_out_and_comes_back(carrier: Any, spans: CapturedSpans) -> None:
    """Who handles the event is in the trace of who sent it, below the span that it was sent from."""
    with trace.get_tracer("t").start_as_current_span("send"):
        sent_in = current_trace_id()
        assert inject(carrier) is carrier
    with continued_trace(carrier, "handle", attributes={"event": "order.shipped"}):
        assert current_trace_id() == sent_in
    handled = spans.one("handle")
    assert (handled.parent_id, handled.kind) == (spans.one("send").span_id, "consumer")
    assert handled.attributes == {"event": "order.shipped"}


def test_what_vendors_add_travels_along() -> None:
    """`tracestate` comes and goes with it."""
    out = inject({}, context=extract({"traceparent": PARENT, "tracestate": "vendor=value"}))
    assert out == {"traceparent": PARENT, "tracestate": "vendor=value"}


def test_outside_of_a_trace_nothing_is_added() -> None:
    """An event without a trace has no empty attribute."""
    assert inject({"type": "order.shipped"}) == {"type": "order.shipped"}


def test_the_caller_s_decision_is_kept(spans: CapturedSpans) -> None:
    """A trace that its beginner does not record is not recorded further on."""
    with continued_trace({"traceparent": f"00-{TRACE}-{SPAN}-00"}, "handle"):
        assert inject({})["traceparent"].endswith("-00")
    assert len(spans) == 0
