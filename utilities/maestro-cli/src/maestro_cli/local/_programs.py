"""Programs of other projects that a local environment runs."""

import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from maestro_cli._errors import ProgramMissingError


def find_program(name: str, environ: Mapping[str, str], *, remedy: str) -> Path:
    """Find a program: on the path, or beside this Python.

    Args:
        name: Its name, or a path.
        environ: The user's environment.
        remedy: The command that installs it.

    Returns:
        Its absolute path.

    Raises:
        ProgramMissingError: It is not installed.
    """
    beside = str(Path(sys.executable).parent)
    found = shutil.which(name, path=environ.get("PATH")) or shutil.which(name, path=beside)
    if found is None:
        raise ProgramMissingError(name, remedy)
    return Path(found).absolute()
