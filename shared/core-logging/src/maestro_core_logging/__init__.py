"""Structured, trace-correlated logging for MAESTRO services."""

from maestro_core_logging._configure import configure_logging, log_context
from maestro_core_logging._logger import Logger, get_logger
from maestro_core_logging._settings import LogStream

__all__ = ["LogStream", "Logger", "configure_logging", "get_logger", "log_context"]
