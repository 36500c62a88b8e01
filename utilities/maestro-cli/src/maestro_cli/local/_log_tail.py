"""The last lines of a log, without reading all of it."""

import os
from pathlib import Path
from typing import BinaryIO, Final

_CHUNK_BYTES: Final = 64 * 1024


def tail(path: Path, lines: int, *, start: int = 0, size: int | None = None) -> list[str]:
    """Read the last lines of a file.

    Args:
        path: The file.
        lines: How many lines at most.
        start: Take the file to begin here, in bytes.
        size: Take the file to end here, in bytes; None for where it ends now.

    Returns:
        The lines, oldest first, without line ends; empty when the file does not exist.
    """
    try:
        with path.open("rb") as stream:
            return _last_lines(stream, lines, start, stream.seek(0, os.SEEK_END) if size is None else size)
    except FileNotFoundError:
        return []


def _last_lines(stream: BinaryIO, lines: int, start: int, position: int) -> list[str]:
    data = b""
    while position > start and data.count(b"\n") <= lines:
        step = min(_CHUNK_BYTES, position - start)
        position -= step
        stream.seek(position)
        data = stream.read(step) + data
    found = data.decode("utf-8", errors="replace").splitlines()
    return found[-lines:] if lines > 0 else []
