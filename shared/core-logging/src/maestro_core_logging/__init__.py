"""Structured, trace-correlated logging for MAESTRO services."""

from maestro_core_logging._configure import configure_logging
from maestro_core_logging._context import log_context
from maestro_core_logging._logger import Logger, get_logger
from maestro_core_logging._sinks import LogStream

__all__ = ["LogStream", "Logger", "configure_logging", "get_logger", "log_context"]
