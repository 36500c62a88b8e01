"""Files that a command writes because it was asked to."""

from pathlib import Path

from ._errors import InputError


def write_output(path: Path, content: bytes) -> None:
    """Write a file.

    Args:
        path: Where; a file that is there is replaced.
        content: What.

    Raises:
        InputError: It cannot be written.
    """
    try:
        path.write_bytes(content)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from error
