"""The check of files and folders."""

from __future__ import annotations

import os
import tokenize
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Final

from maestro_core_logging.lint._finding import Finding
from maestro_core_logging.lint._source import lint_source

_NEVER: Final = frozenset({"__pycache__", "node_modules", "site-packages", "build", "dist", "venv"})


@dataclass(frozen=True, slots=True)
class UnreadableFile:
    """A file that could not be checked."""

    path: str
    """The file, as it was given or found."""

    line: int
    """Where it is at fault, from 1; 0 when it could not be read at all."""

    reason: str
    """Why."""


@dataclass(frozen=True, slots=True)
class LintReport:
    """What a check of files found."""

    findings: tuple[Finding, ...]
    """By place."""

    unreadable: tuple[UnreadableFile, ...]
    """The files that could not be checked."""

    files: int
    """How many were."""


def lint_paths(paths: Iterable[str | os.PathLike[str]], *, exclude: Iterable[str] = ()) -> LintReport:
    """Check files and folders. Nothing is imported or run.

    Args:
        paths: Files, and folders that are searched for `*.py`, but for hidden ones, environments and what was built.
        exclude: Patterns (`*` stands for anything) of paths that are left out.

    Returns:
        The findings, and the files that could not be checked; a path that is not there is one of them.
    """
    findings: list[Finding] = []
    unreadable: list[UnreadableFile] = []
    files, left_out = 0, tuple(exclude)
    for path in dict.fromkeys(_files(paths)):
        if any(fnmatch(str(path), pattern) for pattern in left_out):
            continue
        try:
            with tokenize.open(path) as file:
                findings += lint_source(file.read(), str(path))
            files += 1
        except SyntaxError as error:
            unreadable.append(UnreadableFile(str(path), error.lineno or 0, f"no Python: {error.msg}"))
        except (OSError, ValueError) as error:
            reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
            unreadable.append(UnreadableFile(str(path), 0, f"cannot be read: {reason}"))
    return LintReport(tuple(sorted(findings)), tuple(unreadable), files)


def _files(paths: Iterable[str | os.PathLike[str]]) -> Iterator[Path]:
    for path in map(Path, paths):
        if not path.is_dir():
            yield path
            continue
        for folder, inner, names in os.walk(path):
            inner[:] = sorted(name for name in inner if name not in _NEVER and not name.startswith("."))
            yield from (Path(folder, name) for name in sorted(names) if name.endswith(".py"))
