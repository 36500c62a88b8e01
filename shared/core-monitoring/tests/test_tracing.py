import subprocess
import sys
from collections.abc import Iterator

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from maestro_core_monitoring import configure_tracing, current_trace_id
from maestro_core_monitoring._tracing import _traces_url


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
