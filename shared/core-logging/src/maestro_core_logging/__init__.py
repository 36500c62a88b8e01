"""Structured, trace-correlated logging for MAESTRO services."""

from maestro_core_logging._configure import configure_logging
from maestro_core_logging._context import carry_context, log_context
from maestro_core_logging._logger import Logger, get_logger
from maestro_core_logging._options import (
    PERSONAL_KEYS,
    Delivery,
    Masking,
    OtlpExport,
    Repetition,
    Sampling,
    Tracebacks,
)
from maestro_core_logging._runtime import flush_logs, log_levels, log_statistics, reset_log_level, set_log_level
from maestro_core_logging._statistics import LogStatistics
from maestro_core_logging._streams import LogStream

__all__ = [
    "PERSONAL_KEYS",
    "Delivery",
    "LogStatistics",
    "LogStream",
    "Logger",
    "Masking",
    "OtlpExport",
    "Repetition",
    "Sampling",
    "Tracebacks",
    "carry_context",
    "configure_logging",
    "flush_logs",
    "get_logger",
    "log_context",
    "log_levels",
    "log_statistics",
    "reset_log_level",
    "set_log_level",
]
