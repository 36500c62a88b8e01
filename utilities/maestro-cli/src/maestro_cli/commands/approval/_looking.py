"""Looking at approvals."""

from collections.abc import Mapping
from typing import Any, Final

import rich_click as click

from maestro_cli import render
from maestro_cli.commands._governance_target import GovernanceTarget
from maestro_cli.commands._options import examples, json_option

from ._whose import tenant_option

_STATES: Final = ("open", "approved", "rejected", "expired", "cancelled")


@click.command("list", short_help="List approvals.")
@click.option("--mine", is_flag=True, help="Only those that you may decide now.")
@click.option("--status", type=click.Choice(_STATES), help="Only those that stand so. Default: open.")
@click.option("--all", "is_all", is_flag=True, help="However they stand.")
@click.option("--run", "run_id", help="Only those that this run waits for.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="How many at most.")
@json_option
@click.pass_obj
@examples("maestro approval list --mine", "maestro approval list --all --run dependency-review-1 --json")
def list_approvals(
    target: GovernanceTarget,
    mine: bool,
    status: str | None,
    is_all: bool,
    run_id: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """List approvals, the latest first."""
    wanted = None if is_all else status or "open"
    mine_only = "true" if mine else None
    found = target.listed("approvals", limit=limit, status=wanted, mine=mine_only, run_id=run_id)
    if as_json:
        render.print_json(found)
        return
    if not found:
        render.err().print("There are none.", markup=False)
        return
    rows = [
        (one["id"], one["status"], one["title"], _who(one["candidates"]), one["missing"], render.moment(one["due_at"]))
        for one in found
    ]
    columns = ("APPROVAL", "STATUS", "TITLE", "FOR", "MISSING", "DUE")
    render.out().print(render.table(columns, rows, right=("MISSING",)))


@click.command("show", short_help="Show an approval.")
@click.argument("approval_id")
@tenant_option
@json_option
@click.pass_obj
def show_approval(target: GovernanceTarget, approval_id: str, tenant: str | None, as_json: bool) -> None:
    """Show the approval APPROVAL_ID: what is asked, of whom, and what was said so far."""
    found = target.call(lambda client: client.get("approvals", approval_id, tenant=tenant))
    if as_json:
        render.print_json(found)
    else:
        show(found)


def show(found: Mapping[str, Any]) -> None:
    """Show an approval.

    Args:
        found: The approval.
    """
    claim, delivery = found["claim"], found["delivery"]
    waits = f"{_who(found['candidates'])} ({found['missing']} of {found['four_eyes']} missing)"
    facts = [
        ("Approval", found["id"]),
        ("Status", found["status"]),
        ("Title", found["title"]),
        ("Description", found["description"]),
        ("Asked by", " for ".join(filter(None, (found["requester"], found["requested_by"])))),
        ("Run", f"{found['run_id']} (signal {found['signal']})" if found["run_id"] else None),
        ("For", waits if found["status"] == "open" else None),
        ("Claimed", f"by {claim['by']} until {render.moment(claim['until'])}" if claim else None),
        ("Due", render.moment(found["due_at"])),
        ("Told", _told(delivery) if delivery else None),
    ]
    console = render.out()
    console.print(render.table(("", ""), [fact for fact in facts if fact[1] is not None]))
    for name, value in found["context"].items():
        console.print(f"  {name}: {value}", markup=False, soft_wrap=True)
    rows = [(one["at"], one["by"], one["decision"], one["comment"]) for one in found["decisions"]]
    rows += [(one["at"], one["by"], f"delegates to {one['to']}", one["comment"]) for one in found["delegations"]]
    rows += [(one["at"], one["by"], "says", one["text"]) for one in found["comments"]]
    if rows:
        console.print()
        said = [(render.moment(at), by, what, text or "") for at, by, what, text in sorted(rows)]
        console.print(render.table(("WHEN", "WHO", "WHAT", ""), said))


def _who(candidates: Mapping[str, Any]) -> str:
    return ", ".join([*candidates["users"], *(f"role {role}" for role in candidates["roles"])]) or "-"


def _told(delivery: Mapping[str, Any]) -> str:
    tries = render.counted(delivery["attempts"], "attempt")
    problem = f": {delivery['problem']}" if delivery["problem"] else ""
    return f"{delivery['state']} after {tries}{problem}"
