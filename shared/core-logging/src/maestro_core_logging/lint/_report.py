"""A report as text and as JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from maestro_core_logging.lint._files import LintReport


def as_text(report: LintReport) -> str:
    """Write one line per finding.

    Args:
        report: The report.

    Returns:
        Lines "path:line:column: code message", each with its line end; empty when nothing was found.
    """
    return "".join(f"{finding}\n" for finding in report.findings)


def summary(report: LintReport) -> str:
    """Say in one line how it went.

    Args:
        report: The report.

    Returns:
        Such as "3 files checked: no findings".
    """
    found = len(report.findings)
    checked = f"{report.files} {'file' if report.files == 1 else 'files'} checked"
    return f"{checked}: {found or 'no'} {'finding' if found == 1 else 'findings'}"


def as_json(report: LintReport) -> dict[str, Any]:
    """Make plain values of it.

    Args:
        report: The report.

    Returns:
        `{"files", "findings": [{path, line, column, code, message, last_line}], "unreadable": [{path, line, reason}]}`.
    """
    return {
        "files": report.files,
        "findings": [asdict(finding) for finding in report.findings],
        "unreadable": [asdict(file) for file in report.unreadable],
    }


def exit_code(report: LintReport) -> int:
    """Tell what a command ends with.

    Args:
        report: The report.

    Returns:
        0 for nothing found, 1 for findings, 2 when a file could not be checked.
    """
    if report.unreadable:
        return 2
    return 1 if report.findings else 0
