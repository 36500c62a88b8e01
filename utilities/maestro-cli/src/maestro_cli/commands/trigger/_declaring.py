"""Declaring triggers, and taking them away."""

import json
from pathlib import Path
from typing import Any

import rich_click as click
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from maestro_cli import render
from maestro_cli._errors import InputError
from maestro_cli.commands._confirming import confirm
from maestro_cli.commands._options import examples, json_option, yes_option

from ._gateway import Gateway


@click.command("apply", short_help="Declare triggers from files.")
@click.argument("files", nargs=-1, required=True, type=click.Path(dir_okay=False, path_type=Path, exists=True))
@json_option
@examples("maestro trigger apply triggers/shop-orders.yaml")
@click.pass_obj
def apply_trigger(gateway: Gateway, files: tuple[Path, ...], as_json: bool) -> None:
    """Declare triggers, or change them; each FILE is a declaration in YAML or JSON, named as its trigger.

    A new webhook without keys gets one, which is printed this once.
    """
    declared = []
    for path in files:
        name, declaration = path.stem, _declaration(path)
        found, is_new = gateway.call(lambda client, n=name, d=declaration: client.apply(n, d))  # type: ignore[misc]
        declared.append(found)
        if not as_json:
            told = "Declared" if is_new else "Applied"
            render.err().print(f"{told} trigger {name}, revision {found['revision']}.", markup=False, soft_wrap=True)
            if found["new_secret"] is not None:
                render.err().print("Its key, which is not shown again:", markup=False)
                click.echo(found["new_secret"])
    if as_json:
        render.print_json(declared)


@click.command("delete", short_help="Forget a trigger.")
@click.argument("name")
@yes_option
@click.pass_obj
def delete_trigger(gateway: Gateway, name: str, assume_yes: bool) -> None:
    """Forget the trigger NAME. Its deliveries stay, and those that wait are still started."""
    if not assume_yes:
        confirm(f"Delete trigger {name}?")
    gateway.call(lambda client: client.delete(name))
    render.err().print(f"Deleted trigger {name}.", markup=False, soft_wrap=True)


def _declaration(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text("utf-8")
        found = json.loads(text) if path.suffix == ".json" else YAML(typ="safe", pure=True).load(text)
    except (OSError, ValueError, YAMLError) as error:
        raise InputError(f"{path} cannot be read: {error}") from error
    if not isinstance(found, dict):
        raise InputError(f"{path} holds no declaration: a mapping with a kind")
    return found
