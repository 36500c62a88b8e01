"""`maestro trigger`: what starts workflows from outside."""

import rich_click as click

from maestro_cli.commands.trigger._gateway import Gateway

from ._declaring import apply_trigger, delete_trigger
from ._deliveries import list_deliveries, replay_deliveries
from ._looking import list_triggers, show_trigger
from ._signing import sign_delivery


@click.group(short_help="Start workflows by webhooks, events and schedules.")
@click.option(
    "--url",
    envvar="MAESTRO_ORCHESTRATION_GATEWAY_URL",
    show_envvar=True,
    help="Another orchestration-gateway than the local one.",
)
@click.option(
    "--token", envvar="MAESTRO_TOKEN", show_envvar=True, help="Bearer token, when the local key does not fit."
)
@click.pass_context
def trigger(ctx: click.Context, url: str | None, token: str | None) -> None:
    """Start workflows by signed webhooks, by CloudEvents and by schedules, and look after their deliveries.

    NAME is a trigger's name; a delivery is one message that a trigger took in.
    """
    ctx.obj = Gateway(ctx.obj, url, token)


for command in (
    list_triggers,
    apply_trigger,
    show_trigger,
    delete_trigger,
    list_deliveries,
    replay_deliveries,
    sign_delivery,
):
    trigger.add_command(command)

__all__ = ["trigger"]
