"""What other libraries log by the standard library takes the same way."""

from __future__ import annotations

import logging

from maestro_core_logging._logger import get_logger
from maestro_core_logging._settings import settings

_OWN_ATTRIBUTES = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}

# They log a line for every call at INFO, which our own access log and spans tell better.
_CHATTY = ("httpx2", "httpcore2")


class Bridge(logging.Handler):
    """Hands records of the standard library to the chain, with their extra fields."""

    def emit(self, record: logging.LogRecord) -> None:
        """Log one record."""
        try:
            fields = {key: value for key, value in vars(record).items() if key not in _OWN_ATTRIBUTES}
            if record.exc_info:
                fields["exc_info"] = record.exc_info
            logger = get_logger(record.name)
            level = record.levelno
            write = (
                logger.critical if level >= 50 else logger.error if level >= 40 else logger.warning if level >= 30
                else logger.info if level >= 20 else logger.debug
            )  # fmt: skip
            write(record.getMessage(), **fields)
        except Exception:  # noqa: BLE001  logging must not fail whoever logs; the standard library reports it instead
            self.handleError(record)


def install() -> None:
    """Make the bridge the only handler of the root logger, and route warnings to it."""
    root = logging.getLogger()
    for handler in list(root.handlers):
        if type(handler) in (Bridge, logging.StreamHandler):
            root.removeHandler(handler)
    root.addHandler(Bridge())
    root.setLevel(settings.level)
    for chatty in _CHATTY:
        logging.getLogger(chatty).setLevel(settings.level if settings.level <= logging.DEBUG else logging.WARNING)
    logging.captureWarnings(True)
