"""A real Prometheus, of Debian's package, reads what is shown and evaluates what is generated."""

import http.server
import json
import shutil
import socket
import subprocess
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import trace

from maestro_core_monitoring import MetricsCollector, current_trace_id
from maestro_core_monitoring.generate import as_yaml, declaration_of, rules
from maestro_core_monitoring.testing import captured_spans

PROMETHEUS = shutil.which("prometheus")
pytestmark = [
    pytest.mark.skipif(PROMETHEUS is None, reason="prometheus is missing: apt-get install prometheus"),
    pytest.mark.timeout(180),
]
LIMIT_S = 150


@pytest.fixture
def metrics() -> MetricsCollector:
    return MetricsCollector("orders", version="1.2.3")


@pytest.fixture
def target(metrics: MetricsCollector) -> Iterator[str]:
    """Serve the metrics as a service does."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body, content_type = metrics.render(self.headers["accept"])
            self.send_response(200)
            self.send_header("content-type", content_type)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def ask(tmp_path: Path, metrics: MetricsCollector, target: str) -> Iterator[Callable[..., list[Any]]]:
    """Run Prometheus over the target with the generated rules; ask until it has an answer."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (tmp_path / "rules.yaml").write_text(as_yaml(rules(declaration_of(metrics))), "utf-8")
    configuration = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": ["rules.yaml"],
        "scrape_configs": [{"job_name": "anything", "static_configs": [{"targets": [target]}]}],
    }
    (tmp_path / "prometheus.yaml").write_text(json.dumps(configuration), "utf-8")
    assert PROMETHEUS is not None
    options = [
        f"--config.file={tmp_path}/prometheus.yaml",
        f"--storage.tsdb.path={tmp_path}/data",
        f"--web.listen-address=127.0.0.1:{port}",
        "--enable-feature=exemplar-storage",
        "--log.level=error",
    ]
    process = subprocess.Popen([PROMETHEUS, *options], stderr=subprocess.DEVNULL)

    def asked(path: str, **parameters: str) -> list[Any]:
        address = f"http://127.0.0.1:{port}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        deadline = time.monotonic() + LIMIT_S
        while time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(address, timeout=10) as answer:
                    data = json.load(answer)["data"]
            except OSError:
                data = []
            found: list[Any] = data["result"] if isinstance(data, dict) else data
            if found:
                return found
            time.sleep(0.2)
        raise AssertionError(f"Prometheus has no answer to {parameters}")

    yield asked
    process.terminate()
    process.wait(30)


def test_prometheus_reads_metrics_exemplars_and_rules(metrics: MetricsCollector, ask: Callable[..., list[Any]]) -> None:
    """A request counts, leads to its trace, and feeds the recorded rules; targets are found by service_info."""
    with captured_spans(), trace.get_tracer("t").start_as_current_span("request"):
        trace_id = current_trace_id()
        metrics.observe_request(method="GET", route="/orders/{id}", status=503, duration=0.2)
    (counted,) = ask("query", query='service_requests_total{service="orders",status="503"}')
    assert (counted["metric"]["route"], counted["value"][1]) == ("/orders/{id}", "1")
    now = time.time()
    exemplars = ask(
        "query_exemplars",
        query="service_request_duration_seconds_bucket",
        start=str(now - 3600),
        end=str(now + 3600),
    )
    (exemplar,) = [found for series in exemplars for found in series["exemplars"]]
    assert exemplar["labels"] == {"trace_id": trace_id}
    (objective,) = ask("query", query='service:slo_objective:ratio{slo="availability"}')
    assert objective["value"][1] == "0.999"
    joined = ask(
        "query", query='process_open_fds * on (job, instance) group_left () service_info{service="orders"} > 0'
    )
    assert len(joined) == 1
