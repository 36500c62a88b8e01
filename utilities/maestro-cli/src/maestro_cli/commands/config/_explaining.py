"""`maestro config explain`: where every value comes from."""

import json
from typing import Any

import rich_click as click

from maestro_cli import render
from maestro_cli._errors import MaestroCliError
from maestro_cli.commands._options import examples, json_option
from maestro_cli.local import Home
from maestro_core_config import ConfigError

from ._configured import configured, from_here


@click.command("explain", short_help="Show every setting of a service and its source.")
@click.argument("service")
@click.argument("settings", nargs=-1, metavar="[SETTING]...")
@click.option("--set", "only_set", is_flag=True, help="Leave out what is only the default.")
@json_option
@click.pass_obj
@examples("maestro config explain central-registry", "maestro config explain central-registry --set port log_level")
def explain_config(home: Home, service: str, settings: tuple[str, ...], only_set: bool, as_json: bool) -> None:
    """Show every setting of SERVICE as `maestro up` would start it: its value, where it comes from, what it won over.

    SETTING shows some settings only; a nested one means all of its parts. Ends with exit code 1 when the configuration cannot be
    loaded.
    """
    found = configured(home, service)
    try:
        fields = found.manager.explain()
    except ConfigError as error:
        raise MaestroCliError(str(error)) from error
    fields = [
        field
        for field in fields
        if not (only_set and field.source == "default")
        and (not settings or any(field.name == name or field.name.startswith(f"{name}.") for name in settings))
    ]
    if as_json:
        render.print_json(
            [
                {
                    "name": field.name,
                    "value": field.value,
                    "source": field.source,
                    "set_by_up": found.is_set_by_up(field.source),
                    "live": field.is_live,
                    "overridden": [{"source": source, "value": value} for source, value in field.overridden],
                }
                for field in fields
            ]
        )
        return
    rows = [
        (
            field.name,
            _text(field.value),
            from_here(field.source) + (" (set by maestro up)" if found.is_set_by_up(field.source) else ""),
            ", ".join(f"{from_here(source)}={_text(value)}" for source, value in field.overridden),
        )
        for field in fields
    ]
    render.out().print(render.table(("SETTING", "VALUE", "SOURCE", "WINS OVER"), rows))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
