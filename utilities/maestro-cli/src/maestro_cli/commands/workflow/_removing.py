"""Removing runs for good."""

from datetime import timedelta
from typing import Any, Final

import rich_click as click

from maestro_cli import render
from maestro_cli._moments import Length
from maestro_cli.commands._confirming import confirm
from maestro_cli.commands._options import examples, json_option, yes_option
from maestro_cli.commands._target import Target

_ENDED: Final = ("completed", "failed", "cancelled", "terminated")
_LONGEST: Final = timedelta(hours=6)


@click.command("delete", short_help="Delete a run.")
@click.argument("run_id")
@yes_option
@click.pass_obj
def delete_run(target: Target, run_id: str, assume_yes: bool) -> None:
    """Delete the run RUN_ID, which must have ended, and its children with it; asks before it does. Its id is free then."""
    if not assume_yes:
        confirm(f"Delete run {run_id} for good?")
    gone = target.call(lambda client: client.delete(run_id), timeout=_LONGEST)
    render.err().print(f"Deleted {render.counted(gone, 'run')}.")


@click.command("purge", short_help="Delete old runs.")
@click.option("--older-than", type=Length(), required=True, help="How long ago they must have ended: 12h, 30d, 8w.")
@click.option("--status", type=click.Choice(_ENDED), multiple=True, help="Which ended so. Default: in whatever way.")
@click.option("--workflow", "name", metavar="NAME", help="Of this workflow (namespace/name).")
@click.option("--dry-run", is_flag=True, help="Say what would be deleted, and delete nothing.")
@yes_option
@json_option
@examples(
    "maestro workflow purge --older-than 30d --status completed --dry-run",
    "maestro workflow purge --older-than 8w --workflow shop/order --yes",
)
@click.pass_obj
def purge_runs(
    target: Target,
    older_than: timedelta,
    status: tuple[str, ...],
    name: str | None,
    dry_run: bool,
    assume_yes: bool,
    as_json: bool,
) -> None:
    """Delete the runs that ended long enough ago, whatever the retention says; asks before it does.

    Needs the role admin. Runs that others need stay and are counted. When it is interrupted, the same command goes on.
    """
    old: dict[str, Any] = {"older_than_s": older_than.total_seconds()}
    if status:
        old["status"] = list(status)
    if name is not None:
        old["workflow"] = name
    report = target.call(lambda client: client.preview_purge(old), timeout=_LONGEST)
    if not dry_run and report["runs"]:
        if not assume_yes:
            confirm(f"Delete {render.counted(report['runs'], 'run')} for good?")
        with render.err().status(f"Deleting {render.counted(report['runs'], 'run')} …"):
            report = target.call(lambda client: client.purge(old), timeout=_LONGEST)
    if as_json:
        render.print_json(report)
        return
    verb = "Would delete" if dry_run else "Deleted"
    held = f"; {report['held_back']:,} stay because others need them" if report["held_back"] else ""
    freed = render.size(report["event_bytes"])
    render.err().print(f"{verb} {render.counted(report['runs'], 'run')} ({freed} of history){held}.")
