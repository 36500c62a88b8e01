"""`maestro db upgrade` and `downgrade`."""

from datetime import timedelta

import rich_click as click

from maestro_cli import render
from maestro_cli.commands._confirming import confirm
from maestro_cli.commands._options import Seconds, examples, json_option, yes_option
from maestro_cli.local import Home

from ._service_database import ServiceDatabase, service_database

_wait_option = click.option(
    "--wait",
    type=Seconds(),
    default="300",
    show_default=True,
    help="How long to wait for somebody else who is changing it, in seconds.",
)


@click.command("upgrade", short_help="Bring a service's database up to date.")
@click.argument("service")
@click.option("--to", "revision", default="head", show_default=True, help="How far: a revision, or +1 for the next.")
@_wait_option
@json_option
@click.pass_obj
@examples("maestro db upgrade governance-service")
def upgrade_database(home: Home, service: str, revision: str, wait: timedelta, as_json: bool) -> None:
    """Run the migrations that the database of SERVICE lacks; all of them, or none when one fails.

    A database that a newer version of the service has migrated is refused and left as it is. Exit code 1 when it failed.
    """
    found = service_database(home, service)
    ran = found.use(lambda database: found.migrations.upgrade(database, revision, wait=wait))
    _tell(found, ran, "ran", "is up to date", as_json=as_json)


@click.command("downgrade", short_help="Take migrations of a service's database back.")
@click.argument("service")
@click.option("--to", "revision", required=True, help="How far: a revision, -1 for the last one, `base` for all.")
@_wait_option
@json_option
@yes_option
@click.pass_obj
@examples("maestro db downgrade governance-service --to -1")
def downgrade_database(
    home: Home, service: str, revision: str, wait: timedelta, as_json: bool, assume_yes: bool
) -> None:
    """Take migrations of the database of SERVICE back, and what is in their tables and columns with them."""
    found = service_database(home, service)
    if not assume_yes:
        confirm(f"Take migrations of {found.options.url} back to {revision}? What they added is lost.")
    ran = found.use(lambda database: found.migrations.downgrade(database, revision, wait=wait))
    _tell(found, ran, "took back", "has nothing to take back", as_json=as_json)


def _tell(found: ServiceDatabase, ran: tuple[str, ...], verb: str, nothing: str, *, as_json: bool) -> None:
    if as_json:
        render.print_json({"database": str(found.options.url), "revisions": list(ran)})
    elif ran:
        click.echo(f"{verb} {', '.join(ran)} on {found.options.url}")
    else:
        click.echo(f"{found.options.url} {nothing}")
