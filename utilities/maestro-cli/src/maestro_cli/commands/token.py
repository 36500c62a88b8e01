"""`maestro token`: a token for calling the services by hand."""

from datetime import timedelta

import rich_click as click

from maestro_cli._errors import NotRunningError
from maestro_cli.local import Home, own_environment, read_jwt_secret
from maestro_core_api import issue_token

from ._options import Seconds


@click.command(short_help="Print a bearer token.")
@click.option(
    "--role",
    type=click.Choice(["viewer", "operator", "admin"]),
    default="admin",
    show_default=True,
    help="What the token allows.",
)
@click.option("--subject", default="maestro-cli", show_default=True, help="Whom the token speaks for.")
@click.option("--expires-in", type=Seconds(), default="3600", show_default=True, help="How long it is valid.")
@click.pass_obj
def token(home: Home, role: str, subject: str, expires_in: timedelta) -> None:
    """Print a bearer token for the services of this environment.

    For example: curl -H "Authorization: Bearer $(maestro token)" http://…
    """
    secret = read_jwt_secret(home, own_environment())
    if secret is None:
        raise NotRunningError(home.root, "it has no signing key yet")
    click.echo(issue_token(secret, subject=subject, roles=(role,), expires_in=expires_in))
