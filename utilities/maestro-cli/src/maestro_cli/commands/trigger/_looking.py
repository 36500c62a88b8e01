"""Looking at triggers."""

from collections.abc import Mapping
from typing import Any

import rich_click as click

from maestro_cli import render
from maestro_cli.commands._options import json_option

from ._gateway import Gateway


@click.command("list", short_help="List triggers.")
@json_option
@click.pass_obj
def list_triggers(gateway: Gateway, as_json: bool) -> None:
    """List the triggers, by name."""
    found = gateway.call(lambda client: client.triggers())
    if as_json:
        render.print_json(found)
        return
    if not found:
        render.err().print("There are no triggers.")
        return
    rows = [
        (each["name"], each["declaration"]["kind"], _starts(each), each["tenant"], each["origin"], _state(each))
        for each in found
    ]
    render.out().print(render.table(("TRIGGER", "KIND", "STARTS", "TENANT", "FROM", "STATE"), rows))


@click.command("show", short_help="Show a trigger.")
@click.argument("name")
@json_option
@click.pass_obj
def show_trigger(gateway: Gateway, name: str, as_json: bool) -> None:
    """Show the trigger NAME. Its keys are never shown, only how they begin."""
    found = gateway.call(lambda client: client.trigger(name))
    if as_json:
        render.print_json(found)
        return
    facts = [
        ("Trigger", found["name"]),
        ("Kind", found["declaration"]["kind"]),
        ("Starts", _starts(found)),
        ("State", _state(found)),
        ("Tenant", found["tenant"]),
        ("Declared", f"by {found['updated_by']} at {render.moment(found['updated_at'])}, revision {found['revision']}"),
        ("Keys", ", ".join(_key(key) for key in found["keys"]) or None),
        ("Problem", (found["schedule"] or {}).get("problem")),
    ]
    console = render.out()
    console.print(render.table(("", ""), [fact for fact in facts if fact[1] is not None]))
    console.print("\nDeclaration", style="bold")
    render.print_json({name: value for name, value in found["declaration"].items() if value not in (None, [], "")})


def _starts(trigger: Mapping[str, Any]) -> str:
    declaration = trigger["declaration"]
    return str(declaration.get("workflow") or f"one of {', '.join(declaration['allowed_workflows'])}")


def _state(trigger: Mapping[str, Any]) -> str:
    if trigger["declaration"]["paused"]:
        return "paused"
    schedule = trigger["schedule"]
    return "active" if schedule is None or schedule["applied"] else "not applied yet"


def _key(key: Mapping[str, Any]) -> str:
    until = f" until {render.moment(key['expires_at'])}" if key["expires_at"] else ""
    return f"{key['hint']}{until}"
