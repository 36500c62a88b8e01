"""`maestro api-key`: keys for machines, and for one's own programs."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import rich_click as click

from maestro_cli import render

from ._governance_target import LOCAL_ADMIN, GovernanceTarget, service_options
from ._options import examples, json_option


@click.group(short_help="Make and revoke keys for machines.")
@service_options
@click.pass_context
def api_key(ctx: click.Context, url: str | None, token: str | None) -> None:
    """Make and revoke keys for machines, and for one's own programs."""
    ctx.obj = GovernanceTarget(ctx.obj, url, token, LOCAL_ADMIN)


@api_key.command("create", short_help="Make a key.")
@click.argument("title")
@click.option("--machine", help="The machine that it speaks for; the caller when absent.")
@click.option("--tenant", help="The machine's tenant.")
@click.option(
    "roles", "--role", multiple=True, default=("viewer",), show_default=True, help="A role; may be given several times."
)
@click.option("scopes", "--scope", multiple=True, help="A scope; may be given several times.")
@click.option("--days", type=click.IntRange(1, 365), default=90, show_default=True, help="How long it is valid.")
@examples("maestro api-key create 'nightly reports' --machine reports --role viewer")
@click.pass_obj
def create_key(
    target: GovernanceTarget,
    title: str,
    machine: str | None,
    tenant: str | None,
    roles: Sequence[str],
    scopes: Sequence[str],
    days: int,
) -> None:
    """Make a key for what TITLE says. It is printed on standard output, this once."""
    body = {
        "title": title,
        "machine": machine,
        "tenant": tenant,
        "roles": list(roles),
        "scopes": list(scopes),
        "expires_in_s": int(timedelta(days=days).total_seconds()),
    }
    found = target.call(lambda client: client.post("api-keys", body=body))
    text = (
        f"Made the key {found['id']} for {found['subject']}, valid until {found['expires_at']}. It is shown this once:"
    )
    render.err().print(text, markup=False, soft_wrap=True)
    click.echo(found["api_key"])


@api_key.command("list", short_help="List keys.")
@click.option("--limit", type=click.IntRange(1), default=1_000, show_default=True, help="How many at most.")
@json_option
@click.pass_obj
def list_keys(target: GovernanceTarget, limit: int, as_json: bool) -> None:
    """List keys: one's own, and those that one administers."""
    found = target.listed("api-keys", limit=limit)
    if as_json:
        render.print_json(found)
        return
    rows = [
        (one["id"], one["title"], one["subject"], ", ".join(one["roles"]) or None, one["last_used_at"], _state(one))
        for one in found
    ]
    render.out().print(render.table(("KEY", "TITLE", "SPEAKS FOR", "ROLES", "LAST USED", "STATE"), rows))


@api_key.command("revoke", short_help="Take a key back.")
@click.argument("key_id")
@click.pass_obj
def revoke_key(target: GovernanceTarget, key_id: str) -> None:
    """Take back the key with the id KEY_ID."""
    found = target.call(lambda client: client.delete("api-keys", key_id))
    render.err().print(f"The key {found['id']} for {found['subject']} is revoked.", markup=False, soft_wrap=True)


def _state(one: Mapping[str, Any]) -> str:
    if one["revoked_at"] is not None:
        return "revoked"
    is_over = datetime.fromisoformat(one["expires_at"]) <= datetime.now(UTC)
    return "expired" if is_over else f"valid until {one['expires_at'][:10]}"
