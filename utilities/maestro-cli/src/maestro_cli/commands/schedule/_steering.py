"""Steering a schedule: holding it, starting its runs by hand, forgetting it."""

from datetime import datetime

import rich_click as click

from maestro_cli import render
from maestro_cli._moments import Moment
from maestro_cli.commands._confirming import confirm
from maestro_cli.commands._options import examples, json_option, reason_option, yes_option
from maestro_cli.commands._target import Target

_id_argument = click.argument("schedule_id", metavar="ID")


@click.command("pause", short_help="Hold a schedule.")
@_id_argument
@reason_option
@click.pass_obj
def pause_schedule(target: Target, schedule_id: str, reason: str | None) -> None:
    """Start nothing more of the schedule ID until it is resumed. Its runs go on; times that pass are left out."""
    target.call(lambda client: client.steer_schedule(schedule_id, "pause", reason))
    render.err().print(f"Paused schedule {schedule_id}.", markup=False, soft_wrap=True)


@click.command("resume", short_help="Let a paused schedule go on.")
@_id_argument
@click.pass_obj
def resume_schedule(target: Target, schedule_id: str) -> None:
    """Let the paused schedule ID go on with its next time."""
    found = target.call(lambda client: client.steer_schedule(schedule_id, "resume"))
    times = found["next_times"]
    then = f", next at {render.moment(times[0])}" if times else "; it has no next time"
    render.err().print(f"Schedule {schedule_id} goes on{then}.", markup=False, soft_wrap=True)


@click.command("trigger", short_help="Start a run of a schedule now.")
@_id_argument
@json_option
@click.pass_obj
def trigger_schedule(target: Target, schedule_id: str, as_json: bool) -> None:
    """Start a run of the schedule ID now, paused or not, and print the run's id."""
    run = target.call(lambda client: client.steer_schedule(schedule_id, "trigger"))
    if as_json:
        render.print_json(run)
    else:
        click.echo(run["id"])


@click.command("backfill", short_help="Start the runs of past times.")
@_id_argument
@click.option("--from", "start", type=Moment(), required=True, help="The first time: 2026-05-01, or how long ago: 3d.")
@click.option("--to", "end", type=Moment(), default="0s", help="Where to stop; this time is left out. Default: now.")
@json_option
@examples("maestro schedule backfill nightly --from 2026-05-01 --to 2026-05-08")
@click.pass_obj
def backfill_schedule(target: Target, schedule_id: str, start: datetime, end: datetime, as_json: bool) -> None:
    """Start a run of the schedule ID for each past time of a range, all at once, and print the runs' ids.

    A time that has its run already keeps that one, so the command can be repeated.
    """
    runs = target.call(lambda client: client.backfill(schedule_id, start, end))
    if as_json:
        render.print_json(runs)
        return
    for run in runs:
        click.echo(run)
    render.err().print(f"The range has {render.counted(len(runs), 'run')}.")


@click.command("delete", short_help="Forget a schedule.")
@_id_argument
@yes_option
@click.pass_obj
def delete_schedule(target: Target, schedule_id: str, assume_yes: bool) -> None:
    """Forget the schedule ID; asks before it does. Runs that it started go on."""
    if not assume_yes:
        confirm(f"Delete schedule {schedule_id}?")
    target.call(lambda client: client.delete_schedule(schedule_id))
    render.err().print(f"Deleted schedule {schedule_id}.", markup=False, soft_wrap=True)
