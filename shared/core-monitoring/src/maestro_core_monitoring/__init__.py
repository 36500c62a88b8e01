"""Metrics, traces and health checks for MAESTRO services."""

from ._errors import HealthCheckError, MonitoringError
from ._health import CheckResult, HealthKind, HealthRegistry, HealthReport
from ._metrics import MetricsCollector
from ._tracing import configure_tracing, current_trace_id

__all__ = [
    "CheckResult",
    "HealthCheckError",
    "HealthKind",
    "HealthRegistry",
    "HealthReport",
    "MetricsCollector",
    "MonitoringError",
    "configure_tracing",
    "current_trace_id",
]
