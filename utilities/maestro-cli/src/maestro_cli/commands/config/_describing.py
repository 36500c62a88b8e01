"""`maestro config reference` and `schema`: what can be set."""

import json
from dataclasses import asdict
from pathlib import Path

import rich_click as click

from maestro_cli import render
from maestro_cli._output import write_output
from maestro_cli.commands._options import examples, json_option
from maestro_cli.local import Home

from ._configured import configured

output_option = click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write to this file."
)


@click.command("reference", short_help="Describe every setting of a service.")
@click.argument("service")
@output_option
@json_option
@click.pass_obj
@examples("maestro config reference central-registry -o docs/central-registry-settings.md")
def show_reference(home: Home, service: str, output: Path | None, as_json: bool) -> None:
    """Describe every setting of SERVICE, in Markdown: its variable, type, unit, limits, default and meaning."""
    reference = configured(home, service).manager.reference()
    text = _json(asdict(reference)) if as_json else reference.markdown()
    _give(text, output, is_json=as_json)


@click.command("schema", short_help="Print the JSON Schema of a service's configuration file.")
@click.argument("service")
@output_option
@json_option
@click.pass_obj
@examples("maestro config schema central-registry -o config/central-registry.schema.json")
def show_schema(home: Home, service: str, output: Path | None, as_json: bool) -> None:
    """Print the JSON Schema (draft 2020-12) of the configuration file of SERVICE, for editors and validators.

    A YAML file names it in its first line: `# yaml-language-server: $schema=central-registry.schema.json`.
    """
    _give(_json(configured(home, service).manager.json_schema()), output, is_json=True)


def _give(text: str, output: Path | None, *, is_json: bool) -> None:
    if output is not None:
        write_output(output, text.encode())
    elif is_json:
        render.print_json(json.loads(text))
    else:
        click.echo(text, nl=False)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2, default=str) + "\n"
