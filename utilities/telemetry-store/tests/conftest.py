from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from maestro_core_api import issue_token
from maestro_core_api.testing import running
from telemetry_store.bootstrap import create_app
from telemetry_store.config import TelemetryStoreConfig

SECRET = "a-secret-of-32-bytes-or-more-for-tests"
TOKEN = "a-token-for-senders"
NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


@pytest.fixture
def config(tmp_path: Path) -> TelemetryStoreConfig:
    """A store in a folder of its own."""
    return TelemetryStoreConfig(jwt_secret=SECRET, otlp_token=TOKEN, data_dir=tmp_path)


@pytest.fixture
async def store(config: TelemetryStoreConfig) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of a running store, with a viewer's token."""
    token = issue_token(SECRET, subject="ada", roles=("viewer",))
    async with (
        running(create_app(config, clock=lambda: NOW)) as url,
        httpx2.AsyncClient(base_url=url, headers={"authorization": f"Bearer {token}"}, timeout=30) as client,
    ):
        yield client


@pytest.fixture
def sender() -> dict[str, str]:
    """Headers of whoever may send protobuf."""
    return {"authorization": f"Bearer {TOKEN}", "content-type": "application/x-protobuf"}


@pytest.fixture
def spans() -> Callable[..., bytes]:
    """Make a request with spans: each `(service, span, parent, start_ms, duration_ms, failed)`."""

    def make(trace: str, *described: Any, name: str = "work") -> bytes:
        request = ExportTraceServiceRequest()
        for service, span, parent, start_ms, duration_ms, failed in described:
            of_resource = request.resource_spans.add()
            of_resource.resource.attributes.append(KeyValue(key="service.name", value=AnyValue(string_value=service)))
            one = of_resource.scope_spans.add().spans.add()
            one.trace_id, one.span_id = bytes.fromhex(trace), bytes.fromhex(span)
            one.parent_span_id = bytes.fromhex(parent)
            one.name, one.kind = f"{name} {span}", 2
            start = int(NOW.timestamp() * 1e9) - 60_000_000_000 + start_ms * 1_000_000
            one.start_time_unix_nano, one.end_time_unix_nano = start, start + duration_ms * 1_000_000
            one.status.code = 2 if failed else 0
            one.attributes.append(KeyValue(key="order", value=AnyValue(int_value=7)))
        return request.SerializeToString()

    return make
