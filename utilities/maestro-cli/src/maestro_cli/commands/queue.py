"""`maestro queue`: who runs and who waits."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import rich_click as click

from maestro_cli import render

from ._options import examples, json_option, reason_option
from ._target import Target, target_options


@click.group(short_help="Look at queues, hold them and let them go on.")
@target_options
@click.pass_context
def queue(ctx: click.Context, url: str | None, token: str | None) -> None:
    """Look at queues, hold them and let them go on.

    Queues are declared in the orchestrator's configuration; `maestro workflow run --queue NAME` puts a run into one.
    """
    ctx.obj = Target(ctx.obj, url, token)


@queue.command("list", short_help="List queues.")
@json_option
@click.pass_obj
def list_queues(target: Target, as_json: bool) -> None:
    """List the queues as they stand, by name."""
    found = target.call(lambda client: client.queues())
    if as_json:
        render.print_json(found)
        return
    if not found:
        render.err().print("There are no queues: the orchestrator's setting `queues` declares them.", markup=False)
        return
    rows = [
        (
            one["name"],
            one["running"],
            one["waiting"],
            one["delayed"],
            one["held"],
            _oldest(one),
            _limits(one),
            _state(one),
        )
        for one in found
    ]
    columns = ("QUEUE", "RUNNING", "WAITING", "DELAYED", "HELD", "OLDEST", "LIMITS", "STATE")
    render.out().print(render.table(columns, rows, right=("RUNNING", "WAITING", "DELAYED", "HELD", "OLDEST")))


@queue.command("show", short_help="Show a queue.")
@click.argument("name")
@json_option
@click.pass_obj
def show_queue(target: Target, name: str, as_json: bool) -> None:
    """Show the queue NAME as it stands: who runs, who waits, and how long."""
    found = target.call(lambda client: client.queue(name))
    if as_json:
        render.print_json(found)
        return
    facts = [
        ("Queue", found["name"]),
        ("State", _state(found)),
        ("Limits", _limits(found)),
        ("Running", found["running"]),
        ("Waiting", found["waiting"]),
        ("Delayed", found["delayed"]),
        ("Held", found["held"]),
        ("Oldest waits", _oldest(found)),
        ("Problem", found["problem"]),
    ]
    console = render.out()
    console.print(render.table(("", ""), [fact for fact in facts if fact[1] is not None]))
    if found["waiting_by_priority"]:
        console.print("\nWaiting, by priority", style="bold")
        rows = sorted((int(priority), count) for priority, count in found["waiting_by_priority"].items())
        console.print(render.table(("PRIORITY", "WAITING"), rows, right=("PRIORITY", "WAITING")))
    tenants = sorted({*found["waiting_by_tenant"], *found["running_by_tenant"]} - {""})
    if tenants:
        console.print("\nTenants", style="bold")
        running, waiting = found["running_by_tenant"], found["waiting_by_tenant"]
        by_tenant = [(tenant, running.get(tenant, 0), waiting.get(tenant, 0)) for tenant in tenants]
        console.print(render.table(("TENANT", "RUNNING", "WAITING"), by_tenant, right=("RUNNING", "WAITING")))


@queue.command("pause", short_help="Let nothing begin in a queue.")
@click.argument("name")
@reason_option
@examples('maestro queue pause mails --reason "the provider is down"')
@click.pass_obj
def pause_queue(target: Target, name: str, reason: str | None) -> None:
    """Let no run of the queue NAME begin until it is resumed, over restarts too. What has begun goes on."""
    target.call(lambda client: client.pause_queue(name, reason))
    render.err().print(f"Paused queue {name}.", markup=False, soft_wrap=True)


@queue.command("resume", short_help="Let runs of a queue begin again.")
@click.argument("name")
@click.pass_obj
def resume_queue(target: Target, name: str) -> None:
    """Let runs of the queue NAME begin again."""
    target.call(lambda client: client.resume_queue(name))
    render.err().print(f"Queue {name} goes on.", markup=False, soft_wrap=True)


def _oldest(one: Mapping[str, Any]) -> str | None:
    seconds = one["oldest_wait_s"]
    return None if seconds is None else render.duration(timedelta(seconds=seconds))


def _limits(one: Mapping[str, Any]) -> str:
    if not one["declared"]:
        return "not declared any more"
    rate = one["rate"]
    found = [
        None if one["concurrency"] is None else f"{one['concurrency']} at once",
        None if one["per_tenant"] is None else f"{one['per_tenant']} per tenant",
        None if rate is None else f"{rate['count']} in {render.duration(timedelta(seconds=rate['per_s']))}",
    ]
    return ", ".join(limit for limit in found if limit) or "none"


def _state(one: Mapping[str, Any]) -> str:
    if one["problem"] is not None:
        return "stuck"
    if not one["paused"]:
        return "active"
    return f"paused: {one['pause_reason']}" if one["pause_reason"] else "paused"
