"""`maestro engine`: what is done to an engine as a whole, by URL."""

import asyncio
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Final, TypeVar

import rich_click as click

from maestro_cli import render
from maestro_cli._errors import InputError, MoveFailedError, MoveIncompleteError
from maestro_cli._move_report import as_json as report_json
from maestro_cli._move_report import show
from maestro_cli._move_sources import gather, read_codec
from maestro_cli._replaying import modules_here
from maestro_workflow_engine import JournalLockedError, WorkflowDefinitionError, WorkflowError
from maestro_workflow_engine.moving import Move, MoveError, MoveReport, Outcome, carry_out, drain, plan_move

from ._confirming import confirm
from ._options import Seconds, examples, json_option, yes_option

_FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)
_TELL_EVERY_S: Final = 2.0
_GOES_ON: Final = "The same command goes on from where this one stopped."
T = TypeVar("T")


@click.group(short_help="Move runs from one engine to another.")
def engine() -> None:
    """Work on engines as a whole, by URL. No service takes part, and none may have the journal open."""


@engine.command("migrate", short_help="Move runs and schedules to a Temporal cluster.")
@click.option("--from", "source", required=True, metavar="URL", help="The journal: sqlite:///runs.db")
@click.option(
    "--to",
    "target",
    required=True,
    metavar="URL",
    help="The engine that takes over: temporal://host:port/namespace?task_queue=name, or another journal.",
)
@click.option("--module", "modules", multiple=True, help="A module with workflows and steps of the runs; repeatable.")
@click.option(
    "--definitions",
    type=_FILE,
    help="The orchestrator's `definitions.db`, for runs of documents. It is only read, and stays where it is.",
)
@click.option("--workflow", "only", multiple=True, help="Only runs and schedules of this workflow; repeatable.")
@click.option(
    "--without-limits",
    "without_limits",
    multiple=True,
    metavar="QUEUE",
    help="A queue whose limits may be given up: what waits in it begins at once on the cluster; repeatable.",
)
@click.option(
    "--payload-store", metavar="URL", help="Where both engines keep large payloads, as in the orchestrator's setting."
)
@click.option(
    "--codec-key-file",
    "keys",
    multiple=True,
    metavar="ID=FILE",
    help="A key that payloads are encrypted with (32 bytes, or their Base64); the first encrypts; repeatable.",
)
@click.option("--drain", "drains", is_flag=True, help="Let steps that were cut off finish in the journal first.")
@click.option(
    "--drain-timeout", type=Seconds(), default="300", show_default=True, help="How long that may take, in seconds."
)
@click.option("--dry-run", is_flag=True, help="Tell what would be moved and what not; write nothing.")
@json_option
@yes_option
@examples(
    "maestro engine migrate --from sqlite:///runs.db --to 'temporal://127.0.0.1:7233/default?task_queue=orders'"
    " --module orders.workflows --dry-run",
)
def migrate(
    *,
    source: str,
    target: str,
    modules: tuple[str, ...],
    definitions: Path | None,
    only: tuple[str, ...],
    without_limits: tuple[str, ...],
    payload_store: str | None,
    keys: tuple[str, ...],
    drains: bool,
    drain_timeout: timedelta,
    dry_run: bool,
    as_json: bool,
    assume_yes: bool,
) -> None:
    """Move what has not ended, and the schedules, from a journal to another engine, under the same ids.

    A run moves with its parent and children or not at all, and only if its code fits its history. What has ended stays in the
    journal, which can be opened as before; moved runs say there where they went. When the command is broken off, killed
    included, the same command finishes the move.

    Exit codes: 0 when everything has moved (would move, in a dry run); 1 when something stays, or the move was broken off; 2
    when the command cannot be carried out as it was given; nothing was changed then.
    """
    if dry_run and drains:
        raise InputError(
            "a dry run writes nothing, so that it cannot drain", hint="Leave one of --dry-run and --drain out."
        )
    if drains and definitions is not None:
        raise InputError(
            "documents are drained by the orchestrator, which knows how to reach services",
            hint="Leave --drain out: start the orchestrator on the journal, let its steps finish, and stop it.",
        )
    with modules_here():
        move = Move(
            source=source,
            target=target,
            workflows=gather(modules, definitions),
            only=frozenset(only),
            without_limits=frozenset(without_limits),
            codec=read_codec(keys),
            payload_store=payload_store,
        )
        report = _attempt(lambda: asyncio.run(plan_move(move, on_progress=_teller("looked at"))))
        wanted = [each for each in report.everything if each.outcome is not Outcome.STAYS]
        if dry_run or not (wanted or drains):
            _end(report, "would stay" if dry_run else "stay", as_json=as_json)
            return
        if not assume_yes:
            if not as_json:
                show(report)
            confirm(f"Move {len(wanted):,} runs and schedules to {report.target}?")
        if drains:
            _drain(move, drain_timeout)
        report = _attempt(lambda: asyncio.run(carry_out(move, on_progress=_teller("dealt with"))), hint=_GOES_ON)
    _end(report, "stay", as_json=as_json)


def _drain(move: Move, timeout: timedelta) -> None:
    drained = _attempt(lambda: asyncio.run(drain(move, timeout=timeout)))
    if not drained.is_quiet:
        steps = ", ".join(drained.at_work) or "none"
        message = f"Not every run came to rest in time. Steps at work, which run again: {steps}"
        render.err().print(message, markup=False, soft_wrap=True)


def _attempt(work: Callable[[], T], hint: str | None = None) -> T:
    try:
        return work()
    except JournalLockedError as error:
        raise MoveFailedError(
            str(error), hint="Stop that process first: `maestro down`, or end the service."
        ) from error
    except (MoveError, WorkflowDefinitionError, ValueError) as error:
        raise InputError(str(error)) from error
    except WorkflowError as error:
        raise MoveFailedError(str(error), hint=hint) from error


def _end(report: MoveReport, verb: str, *, as_json: bool) -> None:
    if as_json:
        render.print_json(report_json(report))
    else:
        show(report)
    runs, schedules = (sum(each.outcome is Outcome.STAYS for each in some) for some in (report.runs, report.schedules))
    if not report.is_complete:
        raise MoveIncompleteError(runs, schedules, verb)


def _teller(what: str) -> Callable[[int, int], None]:
    """Return what tells of progress on standard error, now and then."""
    last = time.monotonic()

    def tell(done: int, total: int) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= _TELL_EVERY_S:
            last = now
            render.err().print(f"{what} {done:,} of {total:,} runs", markup=False)

    return tell
