"""Deliveries: looking at them, and replaying those that are dead."""

import rich_click as click

from maestro_cli import render
from maestro_cli.commands._options import examples, json_option

from ._gateway import Gateway


@click.command("deliveries", short_help="List deliveries.")
@click.argument("name", required=False)
@click.option(
    "--status", type=click.Choice(["waiting", "started", "filtered", "dead"]), help="Only those that stand here."
)
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="How many at most.")
@json_option
@examples("maestro trigger deliveries shop-orders --status dead")
@click.pass_obj
def list_deliveries(gateway: Gateway, name: str | None, status: str | None, limit: int, as_json: bool) -> None:
    """List the deliveries of the trigger NAME, or of all, newest first."""
    found = gateway.call(lambda client: client.deliveries(name, status, limit))
    if as_json:
        render.print_json(found)
        return
    if not found:
        render.err().print("There are no such deliveries.")
        return
    rows = [
        (
            each["id"],
            each["trigger"],
            render.moment(each["received_at"]),
            each["status"],
            each["run_id"],
            each["error"] if each["status"] in {"dead", "waiting"} else None,
        )
        for each in found
    ]
    render.out().print(render.table(("DELIVERY", "TRIGGER", "RECEIVED", "STATUS", "RUN", "ERROR"), rows))


@click.command("replay", short_help="Replay deliveries.")
@click.argument("delivery_id", metavar="[DELIVERY]", required=False)
@click.option("--dead", "trigger", metavar="TRIGGER", help="All dead deliveries of a trigger, up to 500 at a time.")
@click.option("--anew", is_flag=True, help="Start another run, also when one was started already.")
@json_option
@examples("maestro trigger replay --dead shop-orders", "maestro trigger replay 5f0c… --anew")
@click.pass_obj
def replay_deliveries(
    gateway: Gateway, delivery_id: str | None, trigger: str | None, anew: bool, as_json: bool
) -> None:
    """Replay a dead DELIVERY, or all of a trigger: mapped anew with the trigger as it is now, and started."""
    if (delivery_id is None) == (trigger is None):
        raise click.UsageError("Give either a DELIVERY or --dead TRIGGER.")
    if trigger is not None:
        done = gateway.call(lambda client: client.replay_dead(trigger))
        told = f"Replayed {done['replayed']} deliveries of {trigger}; {done['failed']} are dead still."
    else:
        assert delivery_id is not None
        done = gateway.call(lambda client: client.replay(delivery_id, anew=anew))
        told = f"Delivery {delivery_id} is {done['status']}; its run is {done['run_id']}."
    if as_json:
        render.print_json(done)
    else:
        render.err().print(told, markup=False, soft_wrap=True)
