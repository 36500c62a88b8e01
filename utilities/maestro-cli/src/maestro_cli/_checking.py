"""Workflow documents on disk: finding them, checking them, and telling what was noticed as a compiler does."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from maestro_cli._documents import read_bytes
from maestro_cli._errors import InputError
from maestro_workflow_engine.dsl import Fault, validate_document
from maestro_workflow_engine.dsl.validation import Report, excerpt

_SUFFIXES = (".yaml", ".yml", ".json")
_HEAD = re.compile(rb"""^document[ \t]*:|["']document["'][ \t\r\n]*:""", re.MULTILINE)
"""What every document has somewhere, and other files of these suffixes seldom have."""

KINDS = (("faults", "error"), ("warnings", "warning"), ("unsupported", "not supported here"))
"""What a report holds, and how each is called."""


@dataclass(frozen=True)
class Checked:
    """One document that was checked."""

    name: str
    """The file as it was named; "<stdin>" for standard input."""
    text: str
    report: Report


def check_paths(paths: Iterable[Path]) -> tuple[list[Checked], list[str]]:
    """Check documents.

    Args:
        paths: Files; `-` for standard input; folders, in which every YAML and JSON file that looks like a document is
            checked.

    Returns:
        What was checked, and one line for each file that cannot be read, and each folder without a document.
    """
    checked: list[Checked] = []
    unreadable: list[str] = []
    for path in paths:
        is_folder = path.is_dir()
        before = len(checked) + len(unreadable)
        for file in _files(path) if is_folder else [path]:
            try:
                name, content = read_bytes(file)
            except InputError as error:
                unreadable.append(error.message)
                continue
            if not is_folder or _HEAD.search(content):
                checked.append(Checked(name, checked_text(content), validate_document(content)))
        if is_folder and len(checked) + len(unreadable) == before:
            unreadable.append(f"no workflow document in {path}: no {', '.join(_SUFFIXES)} file with `document:` in it")
    return checked, unreadable


def _files(folder: Path) -> Iterator[Path]:
    yield from sorted(file for file in folder.rglob("*") if file.suffix in _SUFFIXES and file.is_file())


def checked_text(content: bytes) -> str:
    """Return a document's text as it is shown; what is no UTF-8 is shown as replacement characters."""
    return content.decode("utf-8-sig", "replace")


def fault_blocks(name: str, text: str, report: Report) -> Iterator[str]:
    """Yield one block of lines for each fault of a document, and nothing about what else was noticed."""
    document = Checked(name, text, report)
    return (_block(document, "error", fault) for fault in report.faults)


def as_text(document: Checked) -> Iterator[str]:
    """Tell what was noticed about a document.

    Args:
        document: The document.

    Yields:
        One block of lines for each fault, warning and part that is not supported.
    """
    for attribute, kind in KINDS:
        for fault in getattr(document.report, attribute):
            yield _block(document, kind, fault)


def _block(document: Checked, kind: str, fault: Fault) -> str:
    place = f":{fault.line}:{fault.column}" if fault.line is not None else ""
    rule = "" if fault.rule == "unsupported" else f"[{fault.rule}]"
    lines = [
        f"{kind}{rule}: {fault.message.removeprefix('not supported yet: ')}",
        f"  --> {document.name}{place}  {fault.path}".rstrip(),
    ]
    shown = excerpt(document.text, fault)
    if shown is not None:
        lines.append(shown)
    if fault.hint:
        lines.append(f"  = {fault.hint}")
    return "\n".join(lines) + "\n"


def as_json(checked: Sequence[Checked], unreadable: Sequence[str]) -> dict[str, Any]:
    """Return everything as JSON values."""
    return {
        "documents": [
            {
                "file": document.name,
                "valid": document.report.is_valid,
                **{name: [asdict(fault) for fault in getattr(document.report, name)] for name, _ in KINDS},
            }
            for document in checked
        ],
        "unreadable": list(unreadable),
    }


def summary(checked: Sequence[Checked]) -> str:
    """Sum up in one line."""
    counts = {name: sum(len(getattr(document.report, name)) for document in checked) for name, _ in KINDS}
    parts = [
        _count(counts["faults"], "error"),
        _count(counts["warnings"], "warning"),
        f"{counts['unsupported']} not supported here",
    ]
    return f"{_count(len(checked), 'document')} checked: {', '.join(parts)}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def exit_code(checked: Sequence[Checked], unreadable: Sequence[str], *, strict: bool) -> int:
    """Return 2 when a file cannot be read, 1 when a document has a fault, else 0.

    Args:
        checked: The documents.
        unreadable: The files that cannot be read, and the folders without a document.
        strict: Whether warnings and what is not supported here count as faults.
    """
    if unreadable:
        return 2
    noticed = [document.report for document in checked]
    if any(report.faults or (strict and (report.warnings or report.unsupported)) for report in noticed):
        return 1
    return 0
