"""`maestro config check`: whether a service would start with its configuration."""

from dataclasses import asdict

import rich_click as click

from maestro_cli import render
from maestro_cli._errors import EXIT_FAILED
from maestro_cli.commands._options import examples, json_option
from maestro_cli.local import Home
from maestro_core_config import ConfigError, ConfigFault

from ._configured import configured, from_here


@click.command("check", short_help="Tell what is wrong with a service's configuration.")
@click.argument("service")
@click.option(
    "--environment",
    type=click.Choice(["development", "test", "production"]),
    help="Check as for this environment; production refuses weak and default secrets.",
)
@json_option
@click.pass_context
@examples(
    "maestro config check central-registry", "maestro config check shop.config:ShopConfig --environment production"
)
def check_config(ctx: click.Context, service: str, environment: str | None, as_json: bool) -> None:
    """Tell everything that is wrong with the configuration of SERVICE, each with its source and what to do.

    Ends with exit code 1 when something is, and 2 when there is no such class.
    """
    home: Home = ctx.obj
    manager = configured(home, service, profile=environment).manager
    faults: tuple[ConfigFault, ...] = ()
    profile = environment
    try:
        profile = manager.load().environment
    except ConfigError as error:
        faults = error.faults
    if as_json:
        render.print_json(
            {
                "service": manager.service_name,
                "valid": not faults,
                "environment": profile,
                "faults": [asdict(fault) for fault in faults],
            }
        )
    elif faults:
        click.echo(from_here(str(ConfigError(manager.service_name, faults))))
    else:
        click.echo(f"the configuration of {manager.service_name} is valid for {profile}")
    ctx.exit(EXIT_FAILED if faults else 0)
