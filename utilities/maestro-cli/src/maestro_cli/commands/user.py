"""`maestro user`: who may sign in."""

from collections.abc import Mapping, Sequence
from typing import Any

import rich_click as click

from maestro_cli import render

from ._governance_target import LOCAL_ADMIN, GovernanceTarget, service_options
from ._options import examples, json_option
from ._passwords import ask_password, password_option

_generate = click.option("--generate", is_flag=True, help="Make a password, show it once; the user must change it.")


@click.group(short_help="Make users, and say what they may do.")
@service_options
@click.pass_context
def user(ctx: click.Context, url: str | None, token: str | None) -> None:
    """Make users, and say what they may do.

    Without `maestro login` the local environment's key speaks, which may do everything.
    """
    ctx.obj = GovernanceTarget(ctx.obj, url, token, LOCAL_ADMIN)


@user.command("list", short_help="List users.")
@click.option("--tenant", help="Only those of this tenant.")
@click.option("--limit", type=click.IntRange(1), default=1_000, show_default=True, help="How many at most.")
@json_option
@click.pass_obj
def list_users(target: GovernanceTarget, tenant: str | None, limit: int, as_json: bool) -> None:
    """List users by name."""
    found = target.listed("users", limit=limit, tenant=tenant)
    if as_json:
        render.print_json(found)
        return
    rows = [
        (one["name"], one["tenant"], ", ".join(one["roles"]) or None, one["external"] or "password", _state(one))
        for one in found
    ]
    render.out().print(render.table(("USER", "TENANT", "ROLES", "SIGNS IN WITH", "STATE"), rows))


@user.command("create", short_help="Make a user.")
@click.argument("name")
@click.option("roles", "--role", multiple=True, help="A role; may be given several times.")
@click.option("--tenant", help="The tenant that the user belongs to.")
@_generate
@password_option
@examples("maestro user create ada --role operator --role approver", "maestro user create bob --tenant acme --generate")
@click.pass_obj
def create_user(
    target: GovernanceTarget, name: str, roles: Sequence[str], tenant: str | None, generate: bool, from_stdin: bool
) -> None:
    """Make the user NAME."""
    _create(target, name, roles=roles, tenant=tenant, generate=generate, from_stdin=from_stdin)


@user.command("create-admin", short_help="Make an admin of the platform.")
@click.argument("name")
@_generate
@password_option
@click.pass_obj
def create_admin(target: GovernanceTarget, name: str, generate: bool, from_stdin: bool) -> None:
    """Make the user NAME, who may do everything: the first one, with the key of the local environment."""
    _create(target, name, roles=("admin",), tenant=None, generate=generate, from_stdin=from_stdin)


@user.command("set-roles", short_help="Give a user other roles.")
@click.argument("name")
@click.argument("roles", nargs=-1)
@examples("maestro user set-roles ada viewer approver")
@click.pass_obj
def set_roles(target: GovernanceTarget, name: str, roles: Sequence[str]) -> None:
    """Give the user NAME these ROLES and no others. Sessions end when a role is taken away."""
    found = target.call(lambda client: client.put("users", name, "roles", body={"roles": list(roles)}))
    _say(f"{found['name']} has now: {', '.join(found['roles']) or 'no role'}.")


@user.command("disable", short_help="Let a user sign in no more.")
@click.argument("name")
@click.pass_obj
def disable_user(target: GovernanceTarget, name: str) -> None:
    """Let the user NAME sign in no more; sessions end, API keys are refused."""
    target.call(lambda client: client.post("users", name, "disable"))
    _say(f"{name} may not sign in any more.")


@user.command("enable", short_help="Let a user sign in again.")
@click.argument("name")
@click.pass_obj
def enable_user(target: GovernanceTarget, name: str) -> None:
    """Let the user NAME sign in again."""
    target.call(lambda client: client.post("users", name, "enable"))
    _say(f"{name} may sign in again.")


@user.command("reset-password", short_help="Replace a user's password.")
@click.argument("name")
@_generate
@password_option
@click.pass_obj
def reset_password(target: GovernanceTarget, name: str, generate: bool, from_stdin: bool) -> None:
    """Replace the password of the user NAME by one that must be changed; sessions end."""
    body = None if generate else {"password": ask_password(from_stdin=from_stdin, confirmed=True)}
    found = target.call(lambda client: client.post("users", name, "password", body=body))
    _say(f"{name} must choose another password before signing in.")
    _show(found)


@user.command("change-password", short_help="Choose a password of one's own.")
@click.argument("name")
@click.pass_obj
def change_password(target: GovernanceTarget, name: str) -> None:
    """Choose another password for the user NAME, who knows the old one; all sessions end."""
    old = ask_password(from_stdin=False, prompt="Password until now")
    new = ask_password(from_stdin=False, prompt="New password", confirmed=True)
    body = {"username": name, "password": old, "new_password": new}
    target.call(lambda client: client.post("auth", "password", body=body))
    _say("The password is changed; sign in with it.")


def _create(
    target: GovernanceTarget, name: str, *, roles: Sequence[str], tenant: str | None, generate: bool, from_stdin: bool
) -> None:
    body: dict[str, Any] = {"name": name, "roles": list(roles), "tenant": tenant}
    if not generate:
        body["password"] = ask_password(from_stdin=from_stdin, confirmed=True)
    found = target.call(lambda client: client.post("users", body=body))
    _say(f"Made the user {found['name']} with {', '.join(found['roles']) or 'no role'}.")
    _show(found)


def _show(found: Mapping[str, Any]) -> None:
    # Alone on standard output, so that it can be handed on without being seen.
    if found["password"] is not None:
        click.echo(found["password"])


def _say(text: str) -> None:
    render.err().print(text, markup=False, soft_wrap=True)


def _state(one: Mapping[str, Any]) -> str:
    if one["disabled_at"] is not None:
        return "disabled"
    return "must change the password" if one["must_change_password"] else "active"
