"""`maestro service`: who runs where."""

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import rich_click as click

from maestro_cli import render
from maestro_cli.client import RegistryClient

from ._options import examples, json_option
from ._registry_target import RegistryTarget, registry_options


@click.group(short_help="See who runs where.")
@registry_options
@click.pass_context
def service(ctx: click.Context, url: str | None, token: str | None) -> None:
    """See which services run where, as the registry knows it."""
    ctx.obj = RegistryTarget(ctx.obj, url, token)


_zone = click.option("--zone", help="Only instances of this zone.")
_tag = click.option("--tag", "tags", multiple=True, help="Only instances with this tag; may be repeated.")
_version = click.option("--version", "version", help="Only this version, or what begins with it.")
_near = click.option("--near", metavar="ZONE", help="Order and weigh as for a caller in this zone.")


@service.command("list", short_help="List services and their instances.")
@_zone
@_tag
@_version
@json_option
@examples("maestro service list", "maestro service list --tag canary --version 2")
@click.pass_obj
def list_services(
    target: RegistryTarget, zone: str | None, tags: tuple[str, ...], version: str | None, as_json: bool
) -> None:
    """List every service that runs, with the instances that fail their probes, too."""
    wanted = _wanted(zone, tags, version, None)
    found = target.call(lambda client: client.services(wanted))
    if as_json:
        render.print_json(found)
        return
    if not found:
        render.err().print("Nothing runs that is like that.", markup=False)
        return
    rows = [(each["name"], *row) for each in found for row in map(_row, each["instances"])]
    render.out().print(render.table(("SERVICE", *_COLUMNS), rows, right=("WEIGHT",)))


@service.command("show", short_help="Show the instances of a service.")
@click.argument("name")
@_zone
@_tag
@_version
@_near
@json_option
@click.pass_obj
def show_service(
    target: RegistryTarget,
    name: str,
    zone: str | None,
    tags: tuple[str, ...],
    version: str | None,
    near: str | None,
    as_json: bool,
) -> None:
    """Show the instances of the service NAME, and how much of the traffic each should get."""
    wanted = _wanted(zone, tags, version, near)
    found = target.call(lambda client: client.service(name, wanted))
    if as_json:
        render.print_json(found)
        return
    instances = sorted(found["instances"], key=lambda each: (each["priority"], each["instance_id"]))
    console = render.out()
    console.print(render.table(_COLUMNS, [_row(each) for each in instances], right=("WEIGHT",)))
    for each in instances:
        if each["health_reason"]:
            console.print(f"{each['instance_id']}: its last probe failed: {each['health_reason']}", markup=False)


@service.command("watch", short_help="Follow who comes and goes.")
@click.argument("names", nargs=-1)
@json_option
@examples("maestro service watch", "maestro service watch orders billing --json")
@click.pass_obj
def watch_services(target: RegistryTarget, names: tuple[str, ...], as_json: bool) -> None:
    """Follow the services NAMES, or all, until interrupted; over restarts of the registry, too.

    With --json each line is one event: `reset` brings everything there is, the others what changed.
    """
    show = _print_line if as_json else _print_change

    async def follow(client: RegistryClient) -> None:
        async for event in client.watch(names):
            show(event.event, event.json())

    target.call(follow)


_COLUMNS = ("INSTANCE", "VERSION", "ADDRESS", "ZONE", "TAGS", "HEALTH", "WEIGHT", "UP")


def _wanted(zone: str | None, tags: Sequence[str], version: str | None, near: str | None) -> dict[str, Any]:
    given = {"zone": zone, "tag": list(tags), "version": version, "near": near, "health": "any"}
    return {name: value for name, value in given.items() if value}


def _row(instance: Mapping[str, Any]) -> tuple[object, ...]:
    up = render.since(datetime.fromisoformat(instance["registered_at"]))
    return (
        instance["instance_id"],
        instance["version"],
        instance["url"],
        instance["zone"],
        ", ".join(instance["tags"]) or None,
        render.state(instance["health"]),
        instance["weight"],
        render.duration(up),
    )


def _print_line(kind: str, data: Any) -> None:
    sys.stdout.write(json.dumps({"event": kind, **data}, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def _print_change(kind: str, data: Any) -> None:
    console = render.out()
    if kind == "reset":
        count = sum(len(each["instances"]) for each in data["services"])
        console.print(f"{count} instances of {len(data['services'])} services", markup=False)
        return
    instance = data["instance"]
    why = f" ({instance['health_reason']})" if kind == "unhealthy" and instance["health_reason"] else ""
    line = (
        f"{render.moment(data['at'])}  {kind:<10}  {data['service']}  {instance['instance_id']}  {instance['url']}{why}"
    )
    console.print(line, markup=False, soft_wrap=True)
