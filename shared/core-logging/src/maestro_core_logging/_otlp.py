"""Lines as OTLP log records, in the JSON of the OpenTelemetry protocol 1.x."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import orjson

from maestro_core_logging._json import careful
from maestro_core_logging._traceback_text import traceback_text

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
# https://opentelemetry.io/docs/specs/otel/logs/data-model/#field-severitynumber
_SEVERITIES: Final = {"debug": 5, "info": 9, "warning": 13, "error": 17, "critical": 21}
_IDENTITY: Final = {
    "service": "service.name",
    "version": "service.version",
    "environment": "deployment.environment.name",
}
_NOT_ATTRIBUTES: Final = frozenset({"timestamp", "level", "logger", "event", "trace_id", "span_id", "exception"})
_MAX_INTEGER: Final = 2**63


def export_request(
    lines: Iterable[Mapping[str, Any]], identity: Mapping[str, str], resource: Mapping[str, str]
) -> bytes:
    """Make the body of a request to `/v1/logs`.

    Args:
        lines: Lines, as plain data.
        identity: What every line carries: service, environment, version.
        resource: More attributes of the resource.

    Returns:
        An ExportLogsServiceRequest in JSON.
    """
    by_logger: dict[str, list[dict[str, Any]]] = {}
    for line in lines:
        by_logger.setdefault(str(line["logger"]), []).append(_record(line, identity))
    attributes = {_IDENTITY[key]: value for key, value in identity.items()} | dict(resource)
    request = {
        "resourceLogs": [
            {
                "resource": {"attributes": _pairs(attributes)},
                "scopeLogs": [
                    {"scope": {"name": logger}, "logRecords": records} for logger, records in by_logger.items()
                ],
            }
        ]
    }
    try:
        return orjson.dumps(request)
    except TypeError:
        return orjson.dumps(careful(request))


def rejected_records(answer: bytes) -> tuple[int, str]:
    """Read what a receiver says it did not take.

    Args:
        answer: The body of a successful answer, in JSON; another one says nothing.

    Returns:
        How many records it rejected, and why.
    """
    try:
        told = orjson.loads(answer)["partialSuccess"]
        return int(told.get("rejectedLogRecords", 0)), str(told.get("errorMessage", ""))
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError):
        return 0, ""


def _record(line: Mapping[str, Any], identity: Mapping[str, str]) -> dict[str, Any]:
    nanoseconds = str((line["timestamp"] - _EPOCH) // _MICROSECOND * 1_000)
    attributes = {
        key: value
        for key, value in line.items()
        if key not in _NOT_ATTRIBUTES and not (key in identity and identity[key] == value)
    }
    if exception := line.get("exception"):
        attributes["exception.type"] = exception["type"]
        attributes["exception.message"] = exception["message"]
        attributes["exception.stacktrace"] = traceback_text(exception)
    record = {
        "timeUnixNano": nanoseconds,
        "observedTimeUnixNano": nanoseconds,
        "severityNumber": _SEVERITIES.get(line["level"], 9),
        "severityText": line["level"].upper(),
        "body": {"stringValue": line["event"]},
        "attributes": _pairs(attributes),
    }
    if "trace_id" in line:
        record["traceId"] = line["trace_id"]
        record["spanId"] = line["span_id"]
    return record


def _pairs(attributes: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value": _any_value(value)} for key, value in attributes.items()]


def _any_value(value: Any) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int) and -_MAX_INTEGER <= value < _MAX_INTEGER:
        return {"intValue": str(value)}
    if isinstance(value, timedelta):
        value = value.total_seconds()
    if isinstance(value, float):
        # ProtoJSON writes what JSON has no number for as text.
        named = "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
        return {"doubleValue": value if math.isfinite(value) else named}
    if isinstance(value, dict):
        return {"kvlistValue": {"values": _pairs(value)}}
    if isinstance(value, list):
        return {"arrayValue": {"values": [_any_value(item) for item in value]}}
    return {} if value is None else {"stringValue": _text(value)}


def _text(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    return str(careful(value) if isinstance(value, int) else value)
