"""Levels of the log, as they are asked for and changed over HTTP."""

from datetime import timedelta
from typing import Any

import maestro_core_logging

from ._exceptions import APIException, ValidationException


def current_levels() -> dict[str, str]:
    """Return the levels in force.

    Returns:
        Level by the logger's name; "" stands for all that have none of their own.
    """
    levels: dict[str, str] = _offered("log_levels")()
    return levels


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
        _offered("set_log_level")(level, logger, for_=for_)
    except ValueError as error:
        raise ValidationException(detail=str(error)) from error


def reset_level(logger: str | None) -> None:
    """Take a level back to what the service was configured with.

    Args:
        logger: The logger's name; None stands for all that have no level of their own.
    """
    _offered("reset_log_level")(logger)


def _offered(name: str) -> Any:
    function = getattr(maestro_core_logging, name, None)
    if function is None:
        raise APIException(
            "Levels cannot be changed while the service runs",
            detail="the installed release of maestro-core-logging does not offer it",
            error_code="NOT_OFFERED",
            status_code=501,
        )
    return function
