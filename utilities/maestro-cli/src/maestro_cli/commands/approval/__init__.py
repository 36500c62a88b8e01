"""`maestro approval`: what people have to decide."""

import getpass

import rich_click as click

from maestro_cli.commands._governance_target import GovernanceTarget, governance_options
from maestro_cli.local import Home

from ._deciding import (
    approve_approval,
    cancel_approval,
    claim_approval,
    comment_approval,
    delegate_approval,
    reject_approval,
)
from ._looking import list_approvals, show_approval


def _login_name(home: Home) -> str | None:
    """Return for whom the local key is to issue a token: nobody where somebody has signed in."""
    from maestro_cli.governance import CredentialsFile  # noqa: PLC0415  brings an HTTP client along

    if CredentialsFile(home).read() is not None:
        return None
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # A container's user need not have a name.
        return None


@click.group(short_help="Decide what waits for a person.")
@governance_options
@click.option(
    "--as",
    "user",
    envvar="MAESTRO_USER",
    show_envvar=True,
    help="Who you are, where the local key is to issue your token. Default: who has signed in, or your login name.",
)
@click.pass_context
def approval(ctx: click.Context, url: str | None, token: str | None, user: str | None) -> None:
    """Decide what waits for a person: approve, reject, delegate, comment."""
    ctx.obj = GovernanceTarget(ctx.obj, url, token, user or _login_name(ctx.obj))


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
