"""Changing and asking the log while the service runs."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from maestro_core_logging._level_table import ROOT
from maestro_core_logging._levels import level_number
from maestro_core_logging._outlet import OUTLET
from maestro_core_logging._statistics import LogStatistics

_FLUSH_TIMEOUT: Final = timedelta(seconds=5)


def set_log_level(level: str, logger: str | None = None, *, for_: timedelta | None = None) -> None:
    """Change which levels are written, of this process, from the next line on.

    Args:
        level: DEBUG, INFO, WARNING, ERROR or CRITICAL; case does not matter.
        logger: A logger's name, ours or the standard library's; it holds for the loggers below, and the longest name wins.
            Default: all loggers that have no level of their own.
        for_: How long it holds. Then, what held before does again, and a line says so. Default: until it is changed again.

    Raises:
        ValueError: There is no such level, or the time is none.
    """
    number = level_number(level)
    if for_ is not None and for_ <= timedelta(0):
        raise ValueError(f"for_ is {for_}; a level has to hold for longer than nothing")
    OUTLET.levels.change(logger or ROOT, number, for_)


def reset_log_level(logger: str | None = None) -> None:
    """Take a level as `configure_logging` was told; a change for a while ends.

    Args:
        logger: A logger's name. Default: the level of all loggers that have none of their own.
    """
    OUTLET.levels.reset(logger or ROOT)


def log_levels() -> dict[str, str]:
    """Return the levels in force.

    Returns:
        Names of levels in upper case by logger name: "" for all loggers that have none of their own, then those that have
        one: set here, by `configure_logging`, or in the standard library by whoever owns the logger.
    """
    return OUTLET.levels.names()


def log_statistics() -> LogStatistics:
    """Return how many lines there were, and what became of them.

    Returns:
        Counts since `configure_logging` was called last, of this process.
    """
    return OUTLET.statistics()


def flush_logs(timeout: timedelta = _FLUSH_TIMEOUT) -> bool:
    """Wait until the lines that wait are delivered, to their stream and to an OTLP receiver. Blocks.

    Args:
        timeout: How long to wait for each of the two.

    Returns:
        Whether everything is delivered.
    """
    return OUTLET.flush(timeout.total_seconds())
