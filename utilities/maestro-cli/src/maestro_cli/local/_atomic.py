"""Writing a file so that a reader sees the old content or the new one, never a part."""

import os
import tempfile
from pathlib import Path

from maestro_cli._errors import HomeError


def write_atomically(path: Path, content: bytes, *, mode: int = 0o644) -> None:
    """Replace a file's content.

    Args:
        path: The file; its folder must exist.
        content: What it holds afterwards.
        mode: Its permissions.

    Raises:
        HomeError: It could not be written; the old content is still there.
    """
    temporary: Path | None = None
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        temporary = Path(name)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fchmod(stream.fileno(), mode)
            os.fsync(stream.fileno())
        temporary.replace(path)
    except OSError as error:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
        raise HomeError(path, error.strerror or str(error)) from error
