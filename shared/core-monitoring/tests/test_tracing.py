import subprocess
import sys
from collections.abc import Iterator

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from maestro_core_monitoring import configure_tracing, current_trace_id
from maestro_core_monitoring._tracing._otlp import traces_url as _traces_url


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    """Give every span of this process to the test."""
    exporter = InMemorySpanExporter()
    configure_tracing("tests", exporter=exporter)
    yield exporter
    exporter.shutdown()


def test_no_trace_outside_of_a_span() -> None:
    """Outside of any span there is no trace id."""
    assert current_trace_id() is None


def test_the_trace_id_is_that_of_the_span(spans: InMemorySpanExporter) -> None:
    """Inside a span, the trace id is the one that is exported."""
    with trace.get_tracer("t").start_as_current_span("work"):
        trace_id = current_trace_id()
    (span,) = spans.get_finished_spans()
    assert trace_id == f"{span.context.trace_id:032x}"


def test_the_same_exporter_gets_a_span_once(spans: InMemorySpanExporter) -> None:
    """Configuring twice does not send twice."""
    assert configure_tracing("tests", exporter=spans) is configure_tracing("other")
    with trace.get_tracer("t").start_as_current_span("work"):
        pass
    assert len(spans.get_finished_spans()) == 1


@pytest.mark.parametrize(
    ("endpoint", "url"),
    [
        ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces"),
        ("http://127.0.0.1:4318/", "http://127.0.0.1:4318/v1/traces"),
        ("https://otel.example/tenant/v1/traces", "https://otel.example/tenant/v1/traces"),
    ],
)
def test_otlp_endpoint_gets_the_standard_path(endpoint: str, url: str) -> None:
    """A base address is completed; a whole address is left alone."""
    assert _traces_url(endpoint) == url


WITHOUT_RECEIVERS = """
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from maestro_core_monitoring import configure_tracing

provider = configure_tracing("orders", sample_ratio=0.5)
tracer = trace.get_tracer("t")
theirs = TracerProvider(sampler=ParentBased(TraceIdRatioBased(0.5))).get_tracer("t")

def ids(tracer, context):
    with tracer.start_as_current_span("work", context=context) as span:
        assert trace.get_current_span() is span
        return span.get_span_context(), span.is_recording()

nowhere = trace.set_span_in_context(trace.INVALID_SPAN)
made = [ids(tracer, nowhere) for _ in range(400)]
assert len({context.span_id for context, _ in made}) == len({context.trace_id for context, _ in made}) == 400
assert not any(recording for _, recording in made)
for context, _ in made:
    assert context.is_valid and not context.is_remote and context.trace_flags.random_trace_id
    assert context.trace_flags.sampled == (context.trace_id % 2**64 < 2**63), context
assert {context.trace_flags.sampled for context, _ in made} == {True, False}

state = trace.TraceState([("vendor", "value")])
for flags in range(4):
    parent = trace.SpanContext(1, 2, is_remote=True, trace_flags=trace.TraceFlags(flags), trace_state=state)
    caller = trace.set_span_in_context(trace.NonRecordingSpan(parent))
    ours, _ = ids(tracer, caller)
    expected, _ = ids(theirs, caller)
    assert ours.span_id not in (0, parent.span_id)
    same = [(c.trace_id, c.is_remote, c.trace_flags, c.trace_state) for c in (ours, expected)]
    assert same[0] == same[1], same

exporter = InMemorySpanExporter()
provider.add_span_processor(SimpleSpanProcessor(exporter))
with tracer.start_as_current_span("seen", context=caller, attributes={"n": 1}):
    pass
(span,) = exporter.get_finished_spans()
assert (span.name, dict(span.attributes)) == ("seen", {"n": 1})
print("ok")
"""


def test_without_a_receiver_spans_are_only_ids() -> None:
    """Ids and decisions are those that OpenTelemetry would make; what is built begins with the first receiver."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", WITHOUT_RECEIVERS],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout.strip()) == (0, "ok"), done.stderr


FRESH_PROCESS = """
import http.server, threading
from opentelemetry import trace
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from maestro_core_monitoring import configure_tracing

received = threading.Event()
paths = []

class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        paths.append(self.path)
        assert b"orders" in self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.end_headers()
        received.set()

    def log_message(self, *args):
        pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
threading.Thread(target=server.serve_forever, daemon=True).start()

exporter = InMemorySpanExporter()
provider = configure_tracing("orders", version="1.2.3", exporter=exporter, sample_ratio=0.0)
assert provider.resource.attributes["service.name"] == "orders"
assert provider.resource.attributes["service.version"] == "1.2.3"
tracer = trace.get_tracer("t")
with tracer.start_as_current_span("dropped"):
    assert trace.get_current_span().get_span_context().is_valid
assert exporter.get_finished_spans() == ()

endpoint = f"http://127.0.0.1:{server.server_port}"
assert configure_tracing("later", otlp_endpoint=endpoint) is provider
assert configure_tracing("later", otlp_endpoint=endpoint) is provider
sampled = trace.SpanContext(1, 2, is_remote=True, trace_flags=trace.TraceFlags(1))
with tracer.start_as_current_span("kept", context=trace.set_span_in_context(trace.NonRecordingSpan(sampled))):
    pass
assert [span.name for span in exporter.get_finished_spans()] == ["kept"]
provider.force_flush()
assert received.wait(10)
assert paths == ["/v1/traces"], paths
server.shutdown()
print("ok")
"""


def test_a_fresh_process_samples_follows_its_caller_and_exports() -> None:
    """The first call names the service; ratio 0 drops new traces, a sampled caller's is kept and sent once over OTLP."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", FRESH_PROCESS], check=False, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout.strip()) == (0, "ok"), done.stderr
