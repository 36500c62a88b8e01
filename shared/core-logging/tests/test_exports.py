import maestro_core_logging
import maestro_core_logging.testing


def test_public_names_are_pinned() -> None:
    """What users import changes only on purpose."""
    assert maestro_core_logging.__all__ == ["LogStream", "Logger", "configure_logging", "get_logger", "log_context"]
    assert maestro_core_logging.testing.__all__ == ["capture_logs"]
