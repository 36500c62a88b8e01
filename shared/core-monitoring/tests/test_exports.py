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
