"""`maestro config`: where configuration comes from."""

import json
from typing import Any

import rich_click as click

from maestro_cli import render
from maestro_cli._errors import MaestroCliError, UnknownServiceError
from maestro_cli.local import Home, config_points, explained_environment, own_environment
from maestro_core_config import ConfigError, ConfigManager

from ._options import config_folder, json_option


@click.group(short_help="See where configuration comes from.")
def config() -> None:
    """See where configuration comes from."""


@config.command("explain", short_help="Show every setting of a service and its source.")
@click.argument("service")
@json_option
@click.pass_obj
def explain(home: Home, service: str, as_json: bool) -> None:
    """Show every setting of SERVICE as `maestro up` would start it: its value, where it comes from, what it won over.

    Secrets are masked.
    """
    points = config_points()
    if service not in points:
        raise UnknownServiceError(service, tuple(points))
    own = own_environment()
    environ = explained_environment(home, service, own, config_folder())
    manager = ConfigManager(points[service].load(), environ=environ)
    try:
        fields = manager.explain()
    except ConfigError as error:
        raise MaestroCliError(str(error)) from error
    if as_json:
        render.print_json(
            [
                {
                    "name": field.name,
                    "value": field.value,
                    "source": field.source,
                    "set_by_up": _set_by_up(field.source, own, environ),
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
            f"{field.source} (set by maestro up)" if _set_by_up(field.source, own, environ) else field.source,
            ", ".join(f"{source}={_text(value)}" for source, value in field.overridden),
        )
        for field in fields
    ]
    render.out().print(render.table(("SETTING", "VALUE", "SOURCE", "WINS OVER"), rows))


def _set_by_up(source: str, own: dict[str, str], environ: dict[str, str]) -> bool:
    # A secret read from a file is shown with the file behind the variable.
    variable = source.partition(" ")[0]
    return variable in environ and environ[variable] != own.get(variable)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
