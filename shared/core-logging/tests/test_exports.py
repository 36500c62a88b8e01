import maestro_core_logging
import maestro_core_logging.testing


def test_public_names_are_pinned() -> None:
    """What users import changes only on purpose."""
    assert maestro_core_logging.__all__ == [
        "PERSONAL_KEYS", "Delivery", "LogStatistics", "LogStream", "Logger", "Masking", "OtlpExport", "Repetition", "Sampling",
        "Tracebacks", "carry_context", "configure_logging", "flush_logs", "get_logger", "log_context", "log_levels",
        "log_statistics", "reset_log_level", "set_log_level",
    ]  # fmt: skip
    assert maestro_core_logging.testing.__all__ == ["CapturedLogs", "capture_logs"]
