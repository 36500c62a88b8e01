"""`maestro schedule`: start workflows again and again."""

import rich_click as click

from maestro_cli.commands._target import Target, target_options

from ._defining import create_schedule, update_schedule
from ._looking import list_schedules, show_schedule
from ._steering import backfill_schedule, delete_schedule, pause_schedule, resume_schedule, trigger_schedule


@click.group(short_help="Start workflows again and again.")
@target_options
@click.pass_context
def schedule(ctx: click.Context, url: str | None, token: str | None) -> None:
    """Start workflows again and again, by a cron expression or at even distances.

    ID is a schedule's id. The run for a time is called ID@TIME, the time in UTC.
    """
    ctx.obj = Target(ctx.obj, url, token)


for command in (
    list_schedules,
    show_schedule,
    create_schedule,
    update_schedule,
    pause_schedule,
    resume_schedule,
    trigger_schedule,
    backfill_schedule,
    delete_schedule,
):
    schedule.add_command(command)

__all__ = ["schedule"]
