"""Which files belong together: finds and reads the first-party modules that workflow code imports."""

from __future__ import annotations

import tokenize
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from maestro_workflow_engine.lint._errors import LintSourceError
from maestro_workflow_engine.lint._module import Module, read_module

NOT_FOLLOWED: Final = (
    "maestro_workflow_engine",
    "maestro_core_logging",
    "maestro_core_monitoring",
    "maestro_core_config",
)
"""The engine itself, and what looks on: nothing that a log line or a metric does comes back into the workflow."""

_SKIPPED_FOLDERS = frozenset({"__pycache__", "node_modules", "site-packages"})


class Files:
    """Files by path, each read once."""

    def __init__(self) -> None:
        self._modules: dict[Path, Module | LintSourceError] = {}

    def read(self, file: Path, name: str) -> Module:
        """Read a file that was not read before.

        Args:
            file: The file, as findings are to call it.
            name: The dotted name it is imported by.

        Returns:
            The module.

        Raises:
            LintSourceError: It cannot be read or is no Python.
        """
        key = file.absolute()
        if key not in self._modules:
            try:
                self._modules[key] = read_file(file, name)
            except LintSourceError as error:
                self._modules[key] = error
        module = self._modules[key]
        if isinstance(module, LintSourceError):
            raise module
        return module


class Project:
    """First-party modules by name, as one import path finds them.

    Args:
        roots: The folders of the import path, the first one first.
        files: Reads them.
    """

    def __init__(self, roots: Iterable[Path] = (), files: Files | None = None) -> None:
        self._roots = tuple(roots)
        self._files = files or Files()
        self._modules: dict[str, Module | None] = {}

    def module(self, name: str) -> Module | None:
        """Find a first-party module.

        Args:
            name: Its dotted name.

        Returns:
            The module; None when it is not first-party, or cannot be read.
        """
        if name.partition(".")[0] in NOT_FOLLOWED:
            return None
        if name not in self._modules:
            self._modules[name] = self._find(name)
        return self._modules[name]

    def _find(self, name: str) -> Module | None:
        inner = Path(*name.split("."))
        for root in self._roots:
            for file in (root / inner / "__init__.py", root / inner.parent / f"{inner.name}.py"):
                if file.is_file():
                    try:
                        return self._files.read(_from_here(file), name)
                    except LintSourceError:  # told where the file itself is checked; an import of it is not followed
                        return None
        return None


def read_file(file: Path, name: str) -> Module:
    """Read a file.

    Args:
        file: The file.
        name: The dotted name it is imported by.

    Returns:
        The module.

    Raises:
        LintSourceError: It cannot be read or is no Python.
    """
    try:
        with tokenize.open(file) as opened:
            text = opened.read()
    except OSError as error:
        raise LintSourceError(str(file), error.strerror or str(error)) from error
    except (SyntaxError, UnicodeDecodeError, LookupError) as error:
        raise LintSourceError(str(file), f"its text cannot be decoded: {error}") from error
    return read_module(text, str(file), name, is_package=file.name == "__init__.py")


def import_name(file: Path) -> tuple[Path, str]:
    """Tell how a file is imported.

    Args:
        file: A Python file.

    Returns:
        The folder that has to be on the import path, and the dotted name.
    """
    folder = file.absolute().parent
    parts = [] if file.name == "__init__.py" else [file.stem]
    while (folder / "__init__.py").is_file() and folder.parent != folder:
        parts.insert(0, folder.name)
        folder = folder.parent
    return folder, ".".join(parts) or file.absolute().parent.name


def _from_here(file: Path) -> Path:
    """Shorten a path to the one from the working directory, where it lies below it."""
    here = Path.cwd()
    return file.relative_to(here) if file.is_relative_to(here) else file


def python_files(paths: Iterable[Path]) -> Iterator[Path]:
    """List files: those given, and every `*.py` under the folders given, sorted.

    Hidden folders, virtual environments, caches and installed packages are left out.
    """
    seen: set[Path] = set()
    for path in paths:
        files = _below(path) if path.is_dir() else iter([path])
        for file in files:
            if file.absolute() not in seen:
                seen.add(file.absolute())
                yield file


def _below(folder: Path) -> Iterator[Path]:
    for entry in sorted(folder.iterdir()):
        if entry.is_dir() and not entry.is_symlink():
            skipped = entry.name.startswith(".") or entry.name in _SKIPPED_FOLDERS or (entry / "pyvenv.cfg").exists()
            if not skipped:
                yield from _below(entry)
        elif entry.suffix == ".py" and entry.is_file():
            yield entry
