import subprocess
import sys

import maestro_core_monitoring


def test_public_names_are_pinned() -> None:
    """The package exports exactly these names, in order."""
    assert maestro_core_monitoring.__all__ == [
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
    assert all(hasattr(maestro_core_monitoring, name) for name in maestro_core_monitoring.__all__)


def test_importing_leaves_the_sdk_alone() -> None:
    """OpenTelemetry's SDK is loaded when tracing is set up, and not by whoever only imports."""
    program = (
        "import sys, maestro_core_monitoring; print(any(name.startswith('opentelemetry.sdk') for name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "False"
