"""Setting up the log of a process."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager
from typing import Any

import structlog

from maestro_core_logging import _stdlib
from maestro_core_logging._processors import build_chain, chain
from maestro_core_logging._settings import FORMATS, LEVELS, LogStream, settings

chain[:] = build_chain()  # loggers work before anything is configured: to stderr, for people


def configure_logging(
    service_name: str,
    log_format: str | None = None,
    log_level: str = "INFO",
    environment: str = "development",
    version: str | None = None,
    stream: LogStream | None = None,
) -> None:
    """Set up the log of this process; a later call replaces an earlier one.

    Args:
        service_name: Shown as `service` on each line.
        log_format: "json" (for machines, to stdout) or "console" (for people, to stderr). Default: console when stderr is a
            terminal, JSON elsewhere.
        log_level: The least severe level that is written: DEBUG, INFO, WARNING, ERROR or CRITICAL.
        environment: Shown as `environment` on each line.
        version: The service's version; shown when given.
        stream: Where lines go instead.

    Raises:
        ValueError: There is no such format or level.
    """
    level = LEVELS.get(log_level.upper())
    if level is None:
        raise ValueError(f"there is no log level {log_level!r}; choose from {', '.join(LEVELS)}")
    if log_format is None:
        log_format = "console" if sys.stderr.isatty() else "json"
    if log_format not in FORMATS:
        raise ValueError(f"there is no log format {log_format!r}; choose from {', '.join(FORMATS)}")
    settings.level = level
    settings.log_format = log_format
    settings.stream = stream
    settings.fields = {"service": service_name, "environment": environment}
    if version is not None:
        settings.fields["version"] = version
    chain[:] = build_chain()
    _stdlib.install()


def log_context(**fields: Any) -> AbstractContextManager[Any]:
    """Add fields to every line that is logged inside, in this task and those started from it.

    Args:
        **fields: What to add, such as `request_id`.

    Returns:
        A context manager.
    """
    return structlog.contextvars.bound_contextvars(**fields)
