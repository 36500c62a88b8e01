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
# They tell of every request at info level; what our own client and server say of it is enough.
_TALKATIVE: Final = ("httpx", "httpx2", "httpcore", "httpcore2")


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


def install(threshold: int) -> None:
    """Make our bridge the root logger's handler and take over warnings and, where it is imported, structlog's loggers.

    Handlers that write elsewhere (to files, to a test's collector) stay; those of `logging.basicConfig`, which would write
    every line a second time, go.

    Args:
        threshold: The least severe level, as a number.
    """
    root = logging.getLogger()
    for handler in list(root.handlers):
        if type(handler) in (RecordBridge, logging.StreamHandler):
            root.removeHandler(handler)
    root.addHandler(RecordBridge())
    root.setLevel(threshold)
    for name in _TALKATIVE:
        talkative = logging.getLogger(name)
        if talkative.level in (logging.NOTSET, logging.WARNING):  # another level was set by somebody who meant it
            talkative.setLevel(logging.WARNING if threshold > logging.DEBUG else logging.NOTSET)
    warnings.showwarning = _show_warning
    # Importing structlog takes longer than all of ours, so that it is left to those who use it.
    if (structlog := sys.modules.get("structlog")) is not None:
        structlog.configure(
            processors=[],
            wrapper_class=_structlog_logger,
            logger_factory=lambda *names: {"logger": names[0] if names else "structlog"},
            cache_logger_on_first_use=True,  # harmless, because our loggers follow every change of the log
        )


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
    if OUTLET.threshold <= logging.WARNING:
        OUTLET.log("warning", str(message), {"logger": "py.warnings"}, fields)
