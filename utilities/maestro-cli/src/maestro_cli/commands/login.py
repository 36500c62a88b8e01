"""`maestro login`, `logout`, `whoami`: who calls the services."""

import asyncio

import rich_click as click

from maestro_cli import render
from maestro_cli.local import Home

from ._governance_target import LOCAL_ADMIN, GovernanceTarget, service_options, url_option
from ._options import examples, json_option
from ._passwords import ask_password, password_option


@click.command(short_help="Sign in.")
@click.argument("name")
@url_option
@password_option
@examples("maestro login ada", "maestro login ada --password-stdin < password")
@click.pass_obj
def login(home: Home, name: str, url: str | None, from_stdin: bool) -> None:
    """Sign in as the user NAME, and call governance-service as that user from then on.

    The tokens are kept in credentials.json of the environment's folder, readable by its owner alone.
    """
    from maestro_cli.governance import governance_url, signed_in  # noqa: PLC0415  it brings an HTTP client along

    password = ask_password(from_stdin=from_stdin)
    found = asyncio.run(signed_in(home, governance_url(home, url), name, password))
    render.err().print(f"Signed in at {found.url} as {found.name}.", markup=False, soft_wrap=True)


@click.command(short_help="Sign out.")
@click.pass_obj
def logout(home: Home) -> None:
    """End the session of `maestro login`, and forget its tokens."""
    from maestro_cli.governance import signed_out  # noqa: PLC0415  as above

    known = asyncio.run(signed_out(home))
    text = "Nobody had signed in." if known is None else f"Signed out {known.name} at {known.url}."
    render.err().print(text, markup=False, soft_wrap=True)


@click.command(short_help="Show who calls.")
@service_options
@json_option
@click.pass_obj
def whoami(home: Home, url: str | None, token: str | None, as_json: bool) -> None:
    """Show who the caller is to governance-service."""
    found = GovernanceTarget(home, url, token, LOCAL_ADMIN).call(lambda client: client.get("auth", "me"))
    if as_json:
        render.print_json(found)
        return
    facts = [
        ("Name", found["subject"]),
        ("Roles", ", ".join(found["roles"]) or None),
        ("Scopes", ", ".join(found["scopes"]) or None),
        ("Tenant", found["tenant"]),
        ("Issuer", found["issuer"]),
        ("API key", found["api_key"]),
    ]
    render.out().print(render.table(("", ""), [fact for fact in facts if fact[1] is not None]))
