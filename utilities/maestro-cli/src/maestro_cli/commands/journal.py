"""`maestro workflow journal`, and `maestro journal` for short: look into a journal file, get out of it what can be read, make it small."""

import asyncio
import json
import re
from pathlib import Path
from typing import Any, Final

import rich_click as click

from maestro_cli import render
from maestro_cli._errors import InputError, JournalDamagedError, JournalUpkeepError
from maestro_cli._output import write_output
from maestro_workflow_engine import (
    JournalCorruptError,
    JournalError,
    JournalReport,
    WorkflowError,
    check_journal,
    compact_journal,
    orphaned_payloads,
    rescue_journal,
)

from ._journal_file import JournalFile
from ._options import json_option

_FILE: Final = JournalFile()
_SAFE_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:~@-]{0,199}\Z")


@click.group(short_help="Check, rescue and compact a journal file.")
def journal() -> None:
    """Look into a journal file, get runs out of it, make it small. No engine may have it open; only `compact` changes it."""


@journal.command("check", short_help="Tell what is damaged in a journal.")
@click.argument("file", type=_FILE)
@json_option
def check(file: Path, as_json: bool) -> None:
    """Read everything in the journal FILE and tell what is damaged. Ends with exit code 1 when something is."""
    try:
        report = check_journal(file)
    except JournalError as error:
        raise JournalDamagedError(str(error)) from error
    if as_json:
        render.print_json(_report(report))
    else:
        _show(report)
    if not report.is_sound:
        raise JournalDamagedError(
            f"{file} is damaged", hint=f"`maestro workflow journal export {file}` gets out what can be read."
        )


@journal.command("export", short_help="Get runs out of a journal, damaged or not.")
@click.argument("file", type=_FILE)
@click.option(
    "--output",
    "-o",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for the documents, one for each run; a new or empty one. Default: FILE with `.export` behind it.",
)
@json_option
def export(file: Path, output: Path | None, as_json: bool) -> None:
    """Write each run of the journal FILE that can be read as a document like that of `maestro workflow export`.

    A document from which events are missing says `"complete": false`. Ends with exit code 1 when something was lost.
    """
    folder = output or file.with_name(f"{file.name}.export")
    if folder.is_dir() and any(folder.iterdir()):
        raise InputError(f"{folder} is not empty", hint="Name another folder with --output.")
    try:
        with rescue_journal(file) as rescue:
            _make(folder)
            for number, document in enumerate(rescue.runs()):
                run_id = document["run_id"]
                name = run_id if _SAFE_NAME.match(run_id) else f"unnamed-{number}"
                write_output(folder / f"{name}.json", json.dumps(document, ensure_ascii=False).encode() + b"\n")
            report = rescue.report
    except JournalError as error:
        raise JournalDamagedError(str(error)) from error
    if as_json:
        render.print_json({**_report(report), "folder": str(folder)})
    else:
        _show(report)
        render.err().print(f"Wrote {report.runs} runs to {folder}.", markup=False, soft_wrap=True)
    if not report.is_sound:
        raise JournalDamagedError(f"{file} is damaged; what could be read is in {folder}")


@journal.command("compact", short_help="Write a journal anew, without what is free in it.")
@click.argument("file", type=_FILE)
@json_option
def compact(file: Path, as_json: bool) -> None:
    """Write the journal FILE anew without the room that deleted runs left, and let it shrink by itself from then on.

    The new file is written beside the old one, checked, and takes its place in one move; there must be room for both.
    When it cannot be done, the journal stays as it was.
    """
    try:
        report = compact_journal(file)
    except JournalCorruptError as error:
        raise JournalDamagedError(
            str(error), hint=f"`maestro journal export {file}` gets out what can be read."
        ) from error
    except JournalError as error:
        raise JournalUpkeepError(str(error)) from error
    if as_json:
        render.print_json({"path": report.path, "before_bytes": report.before_bytes, "after_bytes": report.after_bytes})
    else:
        facts = [
            ("Journal", report.path),
            ("Before", f"{report.before_bytes:,} bytes"),
            ("Now", f"{report.after_bytes:,} bytes"),
        ]
        render.out().print(render.table(("", ""), facts))


@journal.command("orphans", short_help="List stored payloads that a journal does not know.")
@click.argument("file", type=_FILE)
@click.argument("store")
@json_option
def orphans(file: Path, store: str, as_json: bool) -> None:
    """List the objects of the payload STORE (`file:///folder`, `s3://bucket/prefix`) that the journal FILE does not refer to.

    A process that dies while it stores a payload leaves such an object. Nothing is changed; what is listed can be deleted.
    Where S3 is and who asks comes from where AWS tools look for it.
    """
    try:
        found = asyncio.run(orphaned_payloads(file, store))
    except WorkflowError as error:
        raise JournalUpkeepError(str(error)) from error
    if as_json:
        render.print_json({"path": str(file), "store": store, "orphans": found})
        return
    for name in found:
        render.out().print(name, markup=False, soft_wrap=True)
    render.err().print(f"{len(found)} orphans", markup=False)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot make {folder}: {error.strerror}") from error


def _report(report: JournalReport) -> dict[str, Any]:
    return {
        "path": report.path,
        "format_version": report.format_version,
        "newer": report.is_newer,
        "sound": report.is_sound,
        "runs": report.runs,
        "events": report.events,
        "losses": [{"run_id": loss.run_id, "what": loss.what} for loss in report.losses],
        "findings": report.findings,
    }


def _show(report: JournalReport) -> None:
    console = render.out()
    newer = " (of a newer release)" if report.is_newer else ""
    facts = [
        ("Journal", report.path),
        ("Format", f"{report.format_version}{newer}"),
        ("Runs", report.runs),
        ("Events", report.events),
        ("State", "sound" if report.is_sound else "damaged"),
    ]
    console.print(render.table(("", ""), facts))
    for title, lines in (("Lost", report.losses), ("Structure", report.findings)):
        if lines:
            console.print(f"\n{title}", style="bold")
            for line in lines:
                console.print(f"  {line}", markup=False, soft_wrap=True)
