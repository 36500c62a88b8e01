"""What other libraries log takes the same way: the standard library's records, Python's warnings, structlog's events."""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Mapping
from typing import Any, Final, TextIO

from maestro_core_logging._fields import clean
from maestro_core_logging._levels import level_name
from maestro_core_logging._logger import Logger
from maestro_core_logging._outlet import OUTLET

_OWN_ATTRIBUTES: Final = frozenset(vars(logging.makeLogRecord({}))) | {
    "message",
    "asctime",
    "taskName",
    "color_message",
}
# SQLAlchemy's `echo=True` gives its loggers a handler when they have none, after the log was set up.
_ECHOING: Final = (
    "sqlalchemy.engine.Engine",
    *(
        f"sqlalchemy.pool.impl.{kind}"
        for kind in (
            "AssertionPool",
            "AsyncAdaptedQueuePool",
            "NullPool",
            "QueuePool",
            "SingletonThreadPool",
            "StaticPool",
        )
    ),
)


class RecordBridge(logging.Handler):
    """Hands records of the standard library on, with their extra fields."""

    def emit(self, record: logging.LogRecord) -> None:
        """Log one record.

        Args:
            record: The record.
        """
        try:
            fields = {key: value for key, value in vars(record).items() if key not in _OWN_ATTRIBUTES}
            if record.exc_info:
                fields["exc_info"] = record.exc_info
            if record.stack_info:
                fields["stack"] = record.stack_info
            OUTLET.log(level_name(record.levelno), record.getMessage(), {"logger": record.name}, fields)
        except Exception:  # noqa: BLE001 - a faulty call must not fail whoever logs; the standard library reports it
            self.handleError(record)


def install() -> None:
    """Make our bridge the root logger's handler and take over warnings and, where it is imported, structlog's loggers.

    Handlers that write elsewhere (to files, to a test's collector) stay; those that would write a line a second time go: of
    `logging.basicConfig`, and of servers and libraries that print by themselves.
    """
    root = logging.getLogger()
    for handler in list(root.handlers):
        if type(handler) in (RecordBridge, logging.StreamHandler):
            root.removeHandler(handler)
    root.addHandler(RecordBridge())
    for logger in list(logging.Logger.manager.loggerDict.values()):
        if isinstance(logger, logging.Logger):
            _adopt(logger)
    for name in _ECHOING:
        if not (echoing := logging.getLogger(name)).handlers:
            echoing.addHandler(logging.NullHandler())
    warnings.showwarning = _show_warning
    # Importing structlog takes longer than all of ours, so that it is left to those who use it.
    if (structlog := sys.modules.get("structlog")) is not None:
        structlog.configure(
            processors=[],
            wrapper_class=_structlog_logger,
            logger_factory=lambda *names: {"logger": names[0] if names else "structlog"},
            cache_logger_on_first_use=True,  # harmless, because our loggers follow every change of the log
        )


def _adopt(logger: logging.Logger) -> None:
    """Let a logger that prints to the process's own streams take our way instead, as uvicorn's, granian's and gunicorn's do."""
    printing = [
        handler
        for handler in logger.handlers
        if type(handler) is logging.StreamHandler
        and handler.stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__)
    ]
    for handler in printing:
        logger.removeHandler(handler)
    if printing:
        logger.propagate = True


def _structlog_logger(name: Mapping[str, Any], processors: object, context: Mapping[str, Any]) -> Logger:
    return Logger(OUTLET, {**name, **clean(context)})


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    if file is not None:  # somebody asks for the text
        file.write(warnings.formatwarning(message, category, filename, lineno, line))
        return
    fields = {"category": category.__name__, "file": filename, "line": lineno}
    if OUTLET.levels.gate("py.warnings").threshold <= logging.WARNING:
        OUTLET.log("warning", str(message), {"logger": "py.warnings"}, fields)
