"""The `.env` file beside where the command was called, which services that are started from there read."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

VARIABLE: Final = "MAESTRO_ENV_FILE"


def env_file(environ: Mapping[str, str]) -> Path | str:
    """Find the file.

    Args:
        environ: What a service's process gets.

    Returns:
        Its absolute path; empty text when there is none.
    """
    named = environ.get(VARIABLE)
    file = Path(".env" if named is None else named).absolute()
    return file if named != "" and file.is_file() else ""


def env_file_names(environ: Mapping[str, str]) -> frozenset[str]:
    """Return the names of the variables that the file sets.

    Args:
        environ: What a service's process gets.
    """
    file = env_file(environ)
    if not file:
        return frozenset()
    # Every command would pay for this import, and it is wanted by those with such a file only.
    from maestro_core_config import env_file_variables  # noqa: PLC0415

    return frozenset(env_file_variables(file))


def is_said(environ: Mapping[str, str], variable: str) -> bool:
    """Tell whether the user says what a variable is.

    Args:
        environ: The user's environment.
        variable: Its name.

    Returns:
        True when the environment has a value for it that is not empty, or the file sets it.
    """
    return bool(environ.get(variable)) or variable in env_file_names(environ)
