"""Records of an ExportLogsServiceRequest."""

from collections.abc import Iterator
from typing import Any, Final

import orjson
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.logs.v1 import logs_pb2

from telemetry_store.records import LogRecord

from ._attributes import attributes_of, service_of, value_of

_MOST: Final = 2**63 - 1
# https://opentelemetry.io/docs/specs/otel/logs/data-model/#field-severitynumber
_LEVELS: Final = ((21, "critical"), (17, "error"), (13, "warning"), (9, "info"))


def logs_in(request: ExportLogsServiceRequest) -> Iterator[LogRecord]:
    """Read the records.

    Args:
        request: What was sent.

    Yields:
        Each record.
    """
    for of_resource in request.resource_logs:
        service = service_of(attributes_of(of_resource.resource.attributes))
        for of_scope in of_resource.scope_logs:
            for record in of_scope.log_records:
                yield _record(record, service, of_scope.scope.name)


def _record(record: logs_pb2.LogRecord, service: str, logger: str) -> LogRecord:
    body: Any = value_of(record.body)
    return LogRecord(
        time_ns=min(record.time_unix_nano or record.observed_time_unix_nano, _MOST),
        service=service,
        level=next((level for number, level in _LEVELS if record.severity_number >= number), "debug"),
        logger=logger,
        event=body if isinstance(body, str) else orjson.dumps(body).decode(),
        trace_id=record.trace_id.hex(),
        span_id=record.span_id.hex(),
        attributes=attributes_of(record.attributes),
    )
