"""Doing one thing to many runs."""

import sys
from typing import Final

import rich_click as click
from rich.progress import Progress

from maestro_cli import render
from maestro_cli._errors import InputError
from maestro_cli.client import OrchestratorClient, RunCriteria
from maestro_cli.commands._confirming import confirm
from maestro_cli.commands._options import examples, json_option, reason_option, yes_option
from maestro_cli.commands._target import Target

from ._filters import filter_options

_DONE: Final = {
    "cancel": "Asked {} to stop.",
    "terminate": "Terminated {}.",
    "pause": "Paused {}.",
    "resume": "Let {} go on.",
    "retry": "Let {} go on from their failed step.",
}


@click.command("bulk", short_help="Do one thing to many runs.")
@click.argument("action", type=click.Choice(list(_DONE)))
@filter_options
@reason_option
@yes_option
@json_option
@examples(
    "maestro workflow bulk cancel --workflow shop/order -a customer=acme",
    "maestro workflow bulk retry --status failed --since 1h --yes",
)
@click.pass_obj
def bulk(target: Target, action: str, wanted: RunCriteria, reason: str | None, assume_yes: bool, as_json: bool) -> None:
    """Do ACTION to every run that meets everything that is given, at least one thing; asks before it does.

    Only runs that it can be done to are touched. When it is interrupted, the same command goes on with the rest.
    """
    if not wanted.params():
        raise InputError(
            f"{action} would be done to every run there is", hint="Say which runs are meant, such as --status."
        )
    count = target.call(lambda client: client.count(wanted, action=action))
    if count and not assume_yes:
        confirm(f"{action.capitalize()} {render.counted(count, 'run')}?")

    async def act(client: OrchestratorClient) -> int:
        done, cursor = 0, None
        with Progress(console=render.err(), transient=True, disable=not sys.stderr.isatty()) as progress:
            task = progress.add_task(action.capitalize(), total=count)
            while True:
                portion, cursor = await client.act(action, wanted, reason=reason, cursor=cursor)
                done += portion
                progress.update(task, completed=done)
                if cursor is None:
                    return done

    done = target.call(act) if count else 0
    if as_json:
        render.print_json({"action": action, "runs": done})
    else:
        render.err().print(_DONE[action].format(render.counted(done, "run")))
