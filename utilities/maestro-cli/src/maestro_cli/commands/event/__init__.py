"""`maestro event`: CloudEvents, to workflows and between services."""

import rich_click as click

from maestro_cli.commands._target import Target, target_options

from ._dead_letters import dead_letters, discard, replay
from ._send import send_event
from ._tail import tail


@click.group(short_help="Send events to workflows, and look after those between services.")
@target_options
@click.pass_context
def event(ctx: click.Context, url: str | None, token: str | None) -> None:
    """Send CloudEvents to workflows that listen for them, follow those between services, and look after what failed.

    `send` talks to the orchestrator; the others talk to the event server (`--broker`).
    """
    ctx.obj = Target(ctx.obj, url, token)


for command in (send_event, tail, dead_letters, replay, discard):
    event.add_command(command)

__all__ = ["event"]
