"""`maestro audit`: what was done, by whom, and whether the trail of it is intact."""

import rich_click as click

from maestro_cli.commands._governance_target import LOCAL_ADMIN, GovernanceTarget, service_options

from ._looking import export_trail, list_entries
from ._verifying import verify_trail


@click.group(short_help="Look at the audit trail, and verify it.")
@service_options
@click.pass_context
def audit(ctx: click.Context, url: str | None, token: str | None) -> None:
    """Look at the audit trail, take it along, and verify that nobody has changed it."""
    ctx.obj = GovernanceTarget(ctx.obj, url, token, LOCAL_ADMIN)


for command in (verify_trail, list_entries, export_trail):
    audit.add_command(command)

__all__ = ["audit"]
