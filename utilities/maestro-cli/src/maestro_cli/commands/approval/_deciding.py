"""Deciding, and what goes with it."""

from typing import Any

import rich_click as click

from maestro_cli import render
from maestro_cli.commands._governance_target import GovernanceTarget
from maestro_cli.commands._options import examples, json_option

from ._whose import tenant_option

_comment_option = click.option("-c", "--comment", help="Why; kept, and told to the run that waits.")


@click.command("approve", short_help="Approve.")
@click.argument("approval_id")
@_comment_option
@tenant_option
@json_option
@click.pass_obj
@examples('maestro approval approve review-1.certifi -c "we only link it"')
def approve_approval(
    target: GovernanceTarget, approval_id: str, comment: str | None, tenant: str | None, as_json: bool
) -> None:
    """Approve APPROVAL_ID. Doing so again changes nothing."""
    _decide(target, approval_id, "approve", comment, tenant, as_json)


@click.command("reject", short_help="Reject.")
@click.argument("approval_id")
@_comment_option
@tenant_option
@json_option
@click.pass_obj
def reject_approval(
    target: GovernanceTarget, approval_id: str, comment: str | None, tenant: str | None, as_json: bool
) -> None:
    """Reject APPROVAL_ID: one no settles it."""
    _decide(target, approval_id, "reject", comment, tenant, as_json)


@click.command("claim", short_help="Say that you are at it.")
@click.argument("approval_id")
@click.option("--release", is_flag=True, help="Give it back.")
@tenant_option
@json_option
@click.pass_obj
def claim_approval(
    target: GovernanceTarget, approval_id: str, release: bool, tenant: str | None, as_json: bool
) -> None:
    """Say that you are at APPROVAL_ID, so that others leave it alone for a while; or give it back."""
    path = ("approvals", approval_id, "claim")
    found = target.call(
        lambda client: client.delete(*path, tenant=tenant) if release else client.post(*path, tenant=tenant)
    )
    _tell(found, f"{approval_id} is {'free again' if release else 'yours'}.", as_json)


@click.command("delegate", short_help="Let somebody else decide.")
@click.argument("approval_id")
@click.argument("to")
@_comment_option
@tenant_option
@json_option
@click.pass_obj
def delegate_approval(
    target: GovernanceTarget, approval_id: str, to: str, comment: str | None, tenant: str | None, as_json: bool
) -> None:
    """Let the person TO decide APPROVAL_ID instead of you."""
    body = {"to": to, "comment": comment}
    found = target.call(lambda client: client.post("approvals", approval_id, "delegate", body=body, tenant=tenant))
    _tell(found, f"{to} decides {approval_id} now.", as_json)


@click.command("comment", short_help="Write a comment.")
@click.argument("approval_id")
@click.argument("text")
@tenant_option
@json_option
@click.pass_obj
def comment_approval(target: GovernanceTarget, approval_id: str, text: str, tenant: str | None, as_json: bool) -> None:
    """Write TEXT under APPROVAL_ID."""
    found = target.call(
        lambda client: client.post("approvals", approval_id, "comments", body={"text": text}, tenant=tenant)
    )
    _tell(found, f"{approval_id} has {render.counted(len(found['comments']), 'comment')}.", as_json)


@click.command("cancel", short_help="Take it back.")
@click.argument("approval_id")
@tenant_option
@json_option
@click.pass_obj
def cancel_approval(target: GovernanceTarget, approval_id: str, tenant: str | None, as_json: bool) -> None:
    """Take APPROVAL_ID back; the run that waits is told."""
    found = target.call(lambda client: client.post("approvals", approval_id, "cancel", tenant=tenant))
    _tell(found, f"{approval_id} is cancelled.", as_json)


def _decide(
    target: GovernanceTarget, approval_id: str, decision: str, comment: str | None, tenant: str | None, as_json: bool
) -> None:
    body = {"decision": decision, "comment": comment}
    found = target.call(lambda client: client.post("approvals", approval_id, "decide", body=body, tenant=tenant))
    missing = found["missing"]
    more = f"; {render.counted(missing, 'more person')} to approve" if missing else ""
    _tell(found, f"{approval_id} is {found['status']}{more}.", as_json)


def _tell(found: Any, text: str, as_json: bool) -> None:
    if as_json:
        render.print_json(found)
    else:
        render.err().print(text, markup=False, soft_wrap=True)
