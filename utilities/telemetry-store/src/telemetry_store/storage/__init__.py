"""Telemetry in one SQLite file."""

from ._file import TelemetryFile
from ._logs import LogFilter, logs_of, logs_page
from ._observed import Batch, Observed, count_calls, forget_uncounted, next_batch, settle_batch
from ._retention import Sizes, sizes, sweep
from ._series import Series, series
from ._services import Dependency, ServiceLoad, dependencies, loads
from ._traces import TraceFilter, TraceSummary, spans_of, traces_page
from ._writing import add_logs, add_points, add_spans

__all__ = [
    "Batch",
    "Dependency",
    "LogFilter",
    "Observed",
    "Series",
    "ServiceLoad",
    "Sizes",
    "TelemetryFile",
    "TraceFilter",
    "TraceSummary",
    "add_logs",
    "add_points",
    "add_spans",
    "count_calls",
    "dependencies",
    "forget_uncounted",
    "loads",
    "logs_of",
    "logs_page",
    "next_batch",
    "series",
    "settle_batch",
    "sizes",
    "spans_of",
    "sweep",
    "traces_page",
]
