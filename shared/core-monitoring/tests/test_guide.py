import re
import subprocess
import sys

import pytest
from opentelemetry import trace

from maestro_core_logging import get_logger
from maestro_core_logging.testing import capture_logs
from maestro_core_monitoring.testing import CapturedSpans

pytest_plugins = ["maestro_core_monitoring.testing.fixtures"]

# From here on the block of the integration guide, as written; its imports are above.
tracer = trace.get_tracer(__name__)
logger = get_logger(__name__)


@tracer.start_as_current_span("process_workflow")
async def process_workflow(workflow_id: str):
    logger.info("Processing workflow", workflow_id=workflow_id)
    # Processing logic


async def test_the_guide_s_function_is_traced(captured_spans: CapturedSpans) -> None:
    """The decorator works on async functions, with a tracer from before tracing was set up: log and span share their ids."""
    with capture_logs() as lines:
        await process_workflow("w-1")
        await process_workflow("w-2")
    first, second = captured_spans.named("process_workflow")
    assert first.trace_id != second.trace_id
    assert [(line["workflow_id"], line["trace_id"], line["span_id"]) for line in lines] == [
        ("w-1", first.trace_id, first.span_id),
        ("w-2", second.trace_id, second.span_id),
    ]


async def test_what_fails_is_marked(captured_spans: CapturedSpans) -> None:
    """An exception ends the span as an error, and goes on to the caller."""

    @tracer.start_as_current_span("fails")
    async def fails() -> None:
        raise LookupError("order-17")

    with pytest.raises(LookupError):
        await fails()
    span = captured_spans.one("fails")
    assert (span.status, span.events) == ("error", ("exception",))


DECORATED_FIRST = """
import asyncio
from opentelemetry import trace
tracer = trace.get_tracer(__name__)

@tracer.start_as_current_span("process_workflow")
async def process_workflow():
    return trace.get_current_span().get_span_context().trace_id

from maestro_core_monitoring import configure_tracing, current_trace_id
assert asyncio.run(process_workflow()) == 0
configure_tracing("orders", version="1.2.3", environment="test", instance_id="one", attributes={"team": "logistics"})
print(asyncio.run(process_workflow()) != 0)
attributes = trace.get_tracer_provider().resource.attributes
print([attributes[name] for name in
    ("service.name", "service.version", "service.instance.id", "deployment.environment.name", "team", "region")])
"""


def test_a_module_may_be_loaded_before_tracing_is_set_up() -> None:
    """Decorators at module level are no reason to configure in a certain order; the resource says what and where it is."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", DECORATED_FIRST],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        env={"OTEL_RESOURCE_ATTRIBUTES": "region=eu"},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["True", "['orders', '1.2.3', 'one', 'test', 'logistics', 'eu']"]


LOST = """
import http.server, threading
from datetime import timedelta
from opentelemetry import trace
from maestro_core_monitoring import MetricsCollector, OtlpExport, configure_tracing, tracing_statistics
from maestro_core_monitoring.testing import metric_value

answers = [200, 400]
heard = []

class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        heard.append((self.path, self.headers["x-token"], self.headers["content-type"], self.headers["content-encoding"]))
        self.send_response(answers.pop(0))
        self.end_headers()

    def log_message(self, *args):
        pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
threading.Thread(target=server.serve_forever, daemon=True).start()
metrics = MetricsCollector("orders")
assert tracing_statistics().exported == 0
provider = configure_tracing("orders", otlp=OtlpExport(
    f"http://127.0.0.1:{server.server_port}", headers={"x-token": "t"}, compression="gzip", timeout=timedelta(seconds=5)))
tracer = trace.get_tracer("t")
for _ in range(2):
    for _ in range(3):
        tracer.start_span("work").end()
    assert provider.force_flush(20_000)
provider.shutdown()
tracer.start_span("too late").end()
assert heard == [("/v1/traces", "t", "application/x-protobuf", "gzip")] * 2, heard
statistics = tracing_statistics()
assert (statistics.exported, statistics.export_failed, statistics.shut_down, statistics.waiting) == (3, 3, 1, 0), statistics
for _ in range(2):
    print(metric_value(metrics, "service_spans_exported_total", service="orders"),
        metric_value(metrics, "service_spans_dropped_total", service="orders", reason="export_failed"),
        metric_value(metrics, "service_spans_dropped_total", service="orders", reason="shut_down"))
"""


def test_what_is_lost_is_a_metric() -> None:
    """Over a real connection: what the receiver took, what it refused, what came too late."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", LOST], check=False, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert re.findall(r"\S+", done.stdout) == ["3.0", "3.0", "1.0"] * 2
