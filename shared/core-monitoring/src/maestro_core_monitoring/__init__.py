"""Metrics, traces and health checks for MAESTRO services."""

from ._errors import HealthCheckError, MonitoringError
from ._health._registry import HealthRegistry
from ._health._report import CheckResult, HealthKind, HealthReport
from ._metrics._collector import MetricsCollector
from ._metrics._counter import Counter, CounterSeries
from ._metrics._declaration import MetricDeclaration
from ._metrics._gauge import Gauge, GaugeSeries
from ._metrics._histogram import Histogram, HistogramSeries
from ._objectives import Objectives
from ._tracing._otlp import OtlpExport
from ._tracing._propagation import continued_trace, extract, inject
from ._tracing._setup import configure_tracing, current_trace_id
from ._tracing._statistics import TracingStatistics, tracing_statistics

__all__ = [
    "CheckResult",
    "Counter",
    "CounterSeries",
    "Gauge",
    "GaugeSeries",
    "HealthCheckError",
    "HealthKind",
    "HealthRegistry",
    "HealthReport",
    "Histogram",
    "HistogramSeries",
    "MetricDeclaration",
    "MetricsCollector",
    "MonitoringError",
    "Objectives",
    "OtlpExport",
    "TracingStatistics",
    "configure_tracing",
    "continued_trace",
    "current_trace_id",
    "extract",
    "inject",
    "tracing_statistics",
]
