"""The check itself, over a text or over files."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from maestro_workflow_engine.lint._errors import LintSourceError
from maestro_workflow_engine.lint._finding import Finding
from maestro_workflow_engine.lint._module import Module, read_module
from maestro_workflow_engine.lint._project import Files, Project, import_name, python_files
from maestro_workflow_engine.lint._reach import findings, nearest


@dataclass(frozen=True, slots=True)
class LintReport:
    """What a check of files found."""

    findings: tuple[Finding, ...]
    """By place."""

    unreadable: tuple[LintSourceError, ...]
    """The files that could not be checked."""

    files: int
    """How many were."""


def lint_source(text: str, path: str = "<string>") -> list[Finding]:
    """Check the workflows of one text. Imports are not followed; nothing is read or run.

    Args:
        text: Python.
        path: What findings call it.

    Returns:
        The findings by line; empty when there are none.

    Raises:
        LintSourceError: The text is no Python.
    """
    return findings([read_module(text, path, Path(path).stem or "source")], Project())


def lint_paths(paths: Iterable[str | os.PathLike[str]]) -> LintReport:
    """Check the workflows of files and folders, and what they reach in the modules beside them. Nothing is run.

    Args:
        paths: Files, and folders that are searched for `*.py`.

    Returns:
        The findings, and the files that could not be checked.
    """
    files = Files()
    unreadable: list[LintSourceError] = []
    by_root: dict[Path, list[Module]] = {}
    given = [Path(path) for path in paths]
    for file in python_files(given):
        root, name = import_name(file)
        try:
            by_root.setdefault(root, []).append(files.read(file, name))
        except LintSourceError as error:
            unreadable.append(error)
    # A script's neighbours come before modules of the same name elsewhere; packages of other folders are found, too.
    others = [*by_root, *(folder.absolute() for folder in given if folder.is_dir())]
    found: dict[Finding, None] = {}
    for root, modules in by_root.items():
        project = Project(dict.fromkeys([root, *others]), files)
        found.update(dict.fromkeys(findings(modules, project)))
    return LintReport(nearest(found), tuple(unreadable), sum(map(len, by_root.values())))
