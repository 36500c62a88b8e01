import maestro_core_monitoring


def test_public_names_are_pinned() -> None:
    """The package exports exactly these names, in order."""
    assert maestro_core_monitoring.__all__ == [
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
    assert all(hasattr(maestro_core_monitoring, name) for name in maestro_core_monitoring.__all__)
