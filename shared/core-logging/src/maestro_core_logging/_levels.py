"""The names of levels, and their order."""

from __future__ import annotations

from typing import Final

LEVELS: Final = {"DEBUG": 10, "INFO": 20, "WARNING": 30, "ERROR": 40, "CRITICAL": 50}


def level_number(name: str) -> int:
    """Return the number of a level.

    Args:
        name: Such as "INFO"; case does not matter.

    Returns:
        The standard library's number.

    Raises:
        ValueError: There is no such level.
    """
    number = LEVELS.get(name.upper())
    if number is None:
        raise ValueError(f"there is no log level {name!r}; choose from {', '.join(LEVELS)}")
    return number


def level_name(number: int) -> str:
    """Return the level that a number of the standard library belongs to.

    Args:
        number: Such as 20, or something in between.

    Returns:
        The name of the nearest level below, in lower case; "debug" for whatever is lower still.
    """
    return next((name.lower() for name, least in reversed(LEVELS.items()) if number >= least), "debug")


def severity(name: str) -> int:
    """Return the number of a line's level.

    Args:
        name: In lower case, as lines have it.

    Returns:
        The standard library's number; that of info for a name that is none.
    """
    return LEVELS.get(name.upper(), LEVELS["INFO"])
