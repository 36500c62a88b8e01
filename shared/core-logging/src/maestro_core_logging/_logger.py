"""The logger that services use: structlog's, with a level that can change at any time."""

from __future__ import annotations

import contextlib
from typing import Any

import structlog

from maestro_core_logging._processors import chain
from maestro_core_logging._settings import settings


class Sink:
    """Writes lines. A stream that is closed or full must not take the service down with it."""

    def msg(self, line: str) -> None:
        """Write one line, with its end, in one call."""
        stream = settings.target()
        with contextlib.suppress(OSError, ValueError):
            stream.write(line + "\n")
            stream.flush()

    debug = info = warning = error = critical = exception = msg


_sink = Sink()


class Logger(structlog.BoundLoggerBase):
    """A structured logger: an event, in words that never vary, and fields.

    `logger.info("Order placed", order_id=17)`; `bind` returns a logger that adds fields to every line.
    """

    def debug(self, event: str, /, **fields: Any) -> None:
        """Log what helps to find a fault."""
        if settings.level <= 10:
            self._proxy_to_logger("debug", event, **fields)

    def info(self, event: str, /, **fields: Any) -> None:
        """Log that something happened as it should."""
        if settings.level <= 20:
            self._proxy_to_logger("info", event, **fields)

    def warning(self, event: str, /, **fields: Any) -> None:
        """Log what somebody should look at some day."""
        if settings.level <= 30:
            self._proxy_to_logger("warning", event, **fields)

    def error(self, event: str, /, **fields: Any) -> None:
        """Log that something failed; `exc_info=error` adds the exception."""
        if settings.level <= 40:
            self._proxy_to_logger("error", event, **fields)

    def critical(self, event: str, /, **fields: Any) -> None:
        """Log that the service cannot go on."""
        if settings.level <= 50:
            self._proxy_to_logger("critical", event, **fields)

    def exception(self, event: str, /, **fields: Any) -> None:
        """Log an error with the exception that is being handled."""
        if settings.level <= 40:
            fields.setdefault("exc_info", True)
            self._proxy_to_logger("exception", event, **fields)


def get_logger(name: str | None = None) -> Logger:
    """Return a logger.

    Args:
        name: Usually `__name__`; shown as `logger` on each line.

    Returns:
        A logger; it follows later calls of `configure_logging`.
    """
    return Logger(_sink, chain, {} if name is None else {"logger": name})
