"""`maestro audit`: what was done, by whom, and whether the trail of it is intact."""

import rich_click as click

from maestro_cli.commands._identity_target import IdentityTarget, identity_options

from ._looking import export_trail, list_entries
from ._verifying import verify_trail


@click.group(short_help="Look at the audit trail, and verify it.")
@identity_options
@click.pass_context
def audit(ctx: click.Context, url: str | None, token: str | None) -> None:
    """Look at the audit trail, take it along, and verify that nobody has changed it."""
    ctx.obj = IdentityTarget(ctx.obj, url, token)


for command in (verify_trail, list_entries, export_trail):
    audit.add_command(command)

__all__ = ["audit"]
