"""Levels of the log, as they are asked for and changed over HTTP."""

from datetime import timedelta

from maestro_core_logging import log_levels, reset_log_level, set_log_level

from ._exceptions import ValidationException


def current_levels() -> dict[str, str]:
    """Return the levels in force.

    Returns:
        Level by the logger's name; "" stands for all that have none of their own.
    """
    return log_levels()


def change_level(logger: str | None, level: str, for_: timedelta | None) -> None:
    """Change a level.

    Args:
        logger: The logger's name; None stands for all that have no level of their own.
        level: The level's name.
        for_: How long it holds; None: until it is changed again.

    Raises:
        ValidationException: There is no such level, or the time is none.
    """
    try:
        set_log_level(level, logger, for_=for_)
    except ValueError as error:
        raise ValidationException(detail=str(error)) from error


def reset_level(logger: str | None) -> None:
    """Take a level back to what the service was configured with.

    Args:
        logger: The logger's name; None stands for all that have no level of their own.
    """
    reset_log_level(logger)
