"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from dependency_review.errors import ReportWriteError


def write_together(contents: Mapping[Path, str]) -> None:
    """Write text files; each replaces what was there only once all of them are on disk.

    Args:
        contents: The text for each file. Missing folders are made.

    Raises:
        ReportWriteError: A file could not be written. Files from before are untouched where writing failed.
    """
    token = secrets.token_hex(6)
    written: dict[Path, Path] = {}
    at = next(iter(contents), Path())
    try:
        for at, text in contents.items():
            at.parent.mkdir(parents=True, exist_ok=True)
            written[at] = at.with_name(f".{at.name}.{token}")
            _write(written[at], text)
        for at, temporary in written.items():
            temporary.replace(at)
    except OSError as error:
        raise ReportWriteError(str(at), error.strerror or str(error)) from error
    finally:
        for temporary in written.values():
            temporary.unlink(missing_ok=True)


def _write(path: Path, text: str) -> None:
    with path.open("x", encoding="utf-8", newline="\n") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
