"""`maestro approval`: what people have to decide."""

import rich_click as click

from maestro_cli.commands._governance_target import GovernanceTarget, governance_options

from ._deciding import (
    approve_approval,
    cancel_approval,
    claim_approval,
    comment_approval,
    delegate_approval,
    reject_approval,
)
from ._looking import list_approvals, show_approval


@click.group(short_help="Decide what waits for a person.")
@governance_options
@click.pass_context
def approval(ctx: click.Context, url: str | None, token: str | None, user: str | None) -> None:
    """Decide what waits for a person: approve, reject, delegate, comment."""
    ctx.obj = GovernanceTarget(ctx.obj, url, token, user)


for command in (
    list_approvals,
    show_approval,
    approve_approval,
    reject_approval,
    claim_approval,
    delegate_approval,
    comment_approval,
    cancel_approval,
):
    approval.add_command(command)

__all__ = ["approval"]
