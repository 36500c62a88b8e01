from __future__ import annotations

import importlib.util
import json
import socket
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.sdk.trace import TracerProvider

from maestro_core_logging import OtlpExport, configure_logging, flush_logs, get_logger, log_context, log_statistics

_spec = importlib.util.spec_from_file_location("otlp_receiver", Path(__file__).with_name("otlp_receiver.py"))
assert _spec is not None
assert _spec.loader is not None
otlp_receiver = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(otlp_receiver)
receiving, plain = otlp_receiver.receiving, otlp_receiver.plain


def configure(lines: Any, url: str, **options: Any) -> None:
    options = {"interval": timedelta(milliseconds=10), **options}
    configure_logging("shop", "json", "DEBUG", "production", "1.2.3", lines, otlp=OtlpExport(endpoint=url, **options))


def test_a_line_arrives_as_a_record_with_the_same_ids(lines: Any) -> None:
    """Body, severity, time, trace, attributes of every kind, scope and resource; masked like the line."""
    with receiving() as receiver:
        configure(lines, receiver.url, headers={"x-key": "k"}, resource={"k8s.pod.name": "p"})
        with TracerProvider().get_tracer("t").start_as_current_span("work") as span, log_context(request_id="r-17"):
            get_logger("shop.orders").warning(
                "Order is late", order_id=17, big=2**70, share=0.5, nan=float("nan"), late=True, tags=["a", 1],
                nested={"a": {"b": None}}, password="hunter2", wait=timedelta(seconds=1.5), odd="half \ud800",
            )  # fmt: skip
        assert flush_logs()
        (record,) = receiver.records()
        headers, body = receiver.requests[0]
    line = lines.one()
    assert plain(record["attributes"]) == {
        "request_id": "r-17", "order_id": 17, "big": str(2**70), "share": 0.5, "nan": "NaN", "late": True, "tags": ["a", 1],
        "nested": {"a": {"b": None}}, "password": "**********", "wait": 1.5, "odd": "half \\ud800",
    }  # fmt: skip
    assert record["resource"] == {
        "service.name": "shop", "service.version": "1.2.3", "deployment.environment.name": "production", "k8s.pod.name": "p",
    }  # fmt: skip
    assert (record["scope"], record["body"], record["severityText"], record["severityNumber"]) == (
        "shop.orders",
        {"stringValue": "Order is late"},
        "WARNING",
        13,
    )
    assert (record["traceId"], record["spanId"]) == (line["trace_id"], line["span_id"])
    assert record["traceId"] == format(span.get_span_context().trace_id, "032x")
    assert line["timestamp"].endswith(f"{int(record['timeUnixNano']) // 1_000 % 1_000_000:06}Z")
    assert (headers["x-key"], headers["content-type"]) == ("k", "application/json")
    assert receiver.paths == ["/v1/logs"]
    assert "hunter2" not in json.dumps(body)


def test_the_request_is_what_opentelemetry_s_own_schema_says(lines: Any) -> None:
    """The protocol's message reads it without a field that it does not know; trace ids are hexadecimal in its JSON."""
    with receiving() as receiver:
        configure(lines, receiver.url)
        try:
            raise ValueError("no")
        except ValueError:
            get_logger().exception("Failed", a={"b": [1, None, 2.5, True, "x"]})
        assert flush_logs()
        _, body = receiver.requests[0]
    message = json_format.ParseDict(body, ExportLogsServiceRequest())
    (record,) = message.resource_logs[0].scope_logs[0].log_records
    attributes = {each.key: each.value for each in record.attributes}
    assert attributes["exception.type"].string_value == "ValueError"
    assert attributes["exception.message"].string_value == "no"
    assert attributes["exception.stacktrace"].string_value.endswith("ValueError: no")
    assert (record.severity_number, record.body.string_value) == (17, "Failed")


def test_lines_are_gathered_into_few_packed_requests(lines: Any) -> None:
    """So many at a time, over one connection."""
    with receiving() as receiver:
        configure(lines, receiver.url, interval=timedelta(hours=1), batch_records=100)
        for number in range(250):
            get_logger().info("x", number=number)
        receiver.wait_for(lambda: len(receiver.requests) == 2)
        assert flush_logs()
        assert [plain(record["attributes"])["number"] for record in receiver.records()] == list(range(250))
        assert (len(receiver.requests), receiver.requests[0][0]["content-encoding"]) == (3, "gzip")
        assert log_statistics().exported == 250


def test_a_receiver_that_stands_still_does_not_stop_the_service(lines: Any) -> None:
    """What waits is bounded, and errors are kept before debug lines."""
    with receiving() as receiver:
        receiver.gate.clear()
        configure(lines, receiver.url, batch_records=1, buffer_records=10)
        for _ in range(100):
            get_logger().debug("chatter")
        for number in range(10):
            get_logger().error("failure", number=number)
        assert log_statistics().written == 110
        receiver.gate.set()
        assert flush_logs(timedelta(seconds=60))
        numbers = [
            plain(record["attributes"])["number"] for record in receiver.records() if record["severityNumber"] == 17
        ]
        assert numbers == list(range(10))
        statistics = log_statistics()
        assert statistics.exported + statistics.export_dropped == 110
        assert statistics.export_dropped >= 89


def test_a_receiver_that_is_busy_is_asked_again(lines: Any) -> None:
    """503 and its kind are tried again; that it fails and that it works again is said once each."""
    with receiving() as receiver:
        receiver.answers += [(503, {}, b"busy"), (429, {"retry-after": "0"}, b"")]
        configure(lines, receiver.url)
        get_logger().info("x")
        receiver.wait_for(lambda: receiver.requests)
        assert flush_logs(timedelta(seconds=60))
        assert receiver.records()[0]["body"]["stringValue"] == "x"
        assert receiver.attempts >= 3
    told = [(line["event"], line.get("reason")) for line in lines.json()]
    assert told == [("x", None), ("Log export fails", "HTTP 503 Service Unavailable"), ("Log export works again", None)]


def test_a_receiver_that_comes_late_gets_what_waited(lines: Any) -> None:
    """Nothing listens at first."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    configure(lines, f"http://127.0.0.1:{port}")
    get_logger().info("early")
    assert not flush_logs(timedelta(milliseconds=200))
    with receiving(port) as receiver:
        assert flush_logs(timedelta(seconds=60))
        assert "early" in [record["body"]["stringValue"] for record in receiver.records()]
    assert (
        "ConnectionRefusedError" in next(line for line in lines.json() if line["event"] == "Log export fails")["reason"]
    )


def test_what_a_receiver_refuses_is_counted_and_not_sent_again(lines: Any) -> None:
    """A refused request, and a request of which a part was taken."""
    with receiving() as receiver:
        partial = b'{"partialSuccess": {"rejectedLogRecords": "5", "errorMessage": "too old"}}'
        receiver.answers += [(400, {}, b"bad"), (200, {}, partial)]
        configure(lines, receiver.url, interval=timedelta(hours=1))
        get_logger().info("refused")
        assert flush_logs(timedelta(seconds=60))
        # The second request has the line that says that the first one failed, and was rejected as well.
        assert (log_statistics().exported, log_statistics().export_dropped, receiver.attempts) == (0, 2, 2)
    assert [line.get("reason") for line in lines.json()] == [None, "HTTP 400 Bad Request"]


def test_records_are_sent_when_the_process_ends() -> None:
    """The end of the program waits for them."""
    with receiving() as receiver:
        code = (
            "from datetime import timedelta; from maestro_core_logging import *\n"
            f"configure_logging('s', 'json', otlp=OtlpExport(endpoint='{receiver.url}', interval=timedelta(hours=1)))\n"
            "get_logger().info('last words'); raise SystemExit(3)"
        )
        assert (
            subprocess.run([sys.executable, "-c", code], check=False, timeout=60, stdout=subprocess.DEVNULL).returncode
            == 3
        )
        assert [record["body"]["stringValue"] for record in receiver.records()] == ["last words"]


def test_a_forked_child_exports_its_own_lines_once() -> None:
    """What waited in the parent is the parent's to send."""
    with receiving() as receiver:
        code = (
            "import os; from datetime import timedelta; from maestro_core_logging import *\n"
            f"configure_logging('s', 'json', otlp=OtlpExport(endpoint='{receiver.url}', interval=timedelta(hours=1)))\n"
            "get_logger().info('parent')\n"
            "if os.fork() == 0: get_logger().info('child'); raise SystemExit(0 if flush_logs() else 1)\n"
            "assert os.wait()[1] == 0"
        )
        done = subprocess.run([sys.executable, "-c", code], check=False, timeout=60, stdout=subprocess.DEVNULL)
        assert done.returncode == 0
        assert sorted(record["body"]["stringValue"] for record in receiver.records()) == ["child", "parent"]


@pytest.mark.parametrize(
    ("endpoint", "path"), [("{url}", "/v1/logs"), ("{url}/", "/v1/logs"), ("{url}/otlp/v1/logs", "/otlp/v1/logs")]
)
def test_a_path_that_is_given_is_used(lines: Any, endpoint: str, path: str) -> None:
    """Receivers behind a prefix are reached, too."""
    with receiving() as receiver:
        configure(lines, endpoint.format(url=receiver.url))
        get_logger().info("x")
        assert flush_logs(timedelta(seconds=60))
        assert receiver.paths == [path]


@pytest.mark.parametrize(
    ("options", "words"),
    [({"endpoint": "collector:4317"}, "must begin with http"), ({"endpoint": "http://a", "batch_records": 0}, "room")],
)
def test_options_that_make_no_sense_are_refused(options: Any, words: str) -> None:
    """When they are made; headers, which may hold a key, are not shown."""
    with pytest.raises(ValueError, match=words):
        OtlpExport(**options)
    assert "hunter2" not in repr(OtlpExport(endpoint="http://a", headers={"authorization": "hunter2"}))
