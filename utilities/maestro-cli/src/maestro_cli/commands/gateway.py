"""`maestro gateway`: the routes at the edge, what is rendered from them, what is wrong with them."""

import asyncio
import json
import secrets
from dataclasses import asdict
from pathlib import Path
from typing import Final

import rich_click as click

from maestro_cli import render
from maestro_cli._errors import MaestroCliError
from maestro_cli.client._gateway import fetch_snapshot, read_snapshot
from maestro_cli.local import Home
from maestro_core_api.gateway import DeclaredRoute
from maestro_gateway import EdgeIssuer, EdgeRoute, EdgeSettings, EdgeSnapshot, build_edge, find_conflicts

from ._options import examples, json_option

_SHORTEST_SECRET: Final = 32
_file_option = click.option(
    "--from",
    "source",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file that `maestro gateway routes --json` has written, instead of asking the registry.",
)
_url_option = click.option(
    "--url", envvar="MAESTRO_REGISTRY_URL", show_envvar=True, help="Another registry than the local one."
)
_token_option = click.option(
    "--token", envvar="MAESTRO_TOKEN", show_envvar=True, help="Bearer token, when the local key does not fit."
)


@click.group(short_help="Look at the routes at the edge.")
@_url_option
@_token_option
@click.pass_context
def gateway(ctx: click.Context, url: str | None, token: str | None) -> None:
    """Look at the routes at the edge: what services declare, what is rendered from it, what is wrong with it."""
    home: Home = ctx.obj
    ctx.obj = lambda source: read_snapshot(source) if source else asyncio.run(fetch_snapshot(home, url, token))


@gateway.command("routes", short_help="List the routes.")
@_file_option
@json_option
@click.pass_context
@examples("maestro gateway routes", "maestro gateway routes --json > routes.json")
def routes(ctx: click.Context, source: Path | None, as_json: bool) -> None:
    """List every route in the order in which they are tried: who may call it, how often, how long.

    With --json: everything that routes are made from, which the other commands read with --from.
    """
    snapshot: EdgeSnapshot = ctx.obj(source)
    if as_json:
        render.print_json(snapshot.model_dump(mode="json"))
        return
    rows = [
        (
            route.path + ("/*" if route.declared.is_prefix else ""),
            " ".join(route.declared.methods) or "any",
            _access(route.declared),
            ", ".join(
                f"{limit.rule} {limit.limit}/{limit.period.total_seconds():g}s" for limit in route.declared.rate_limits
            ),
            "" if route.declared.timeout is None else f"{route.declared.timeout.total_seconds():g}s",
        )
        for route in build_edge(snapshot).routes
        if isinstance(route, EdgeRoute)
    ]
    if not rows:
        render.err().print("There are no routes: no service has declared any.", markup=False)
        return
    render.out().print(render.table(("PATH", "METHODS", "WHO", "LIMITS", "TIMEOUT"), rows))


@gateway.command("render", short_help="Print a gateway's configuration.")
@click.argument("target", type=click.Choice(["envoy", "kong"]))
@_file_option
@click.option("--port", type=click.IntRange(1, 65_535), default=8080, show_default=True, help="Where Envoy listens.")
@click.option(
    "--jwks-file", default="/etc/envoy/jwks.json", show_default=True, help="File with the key of tokens, for Envoy."
)
@click.option("--redis", is_flag=True, help="Have Kong share its counts through Redis.")
@click.option(
    "--secret-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="File with the key of tokens, to be written into the file for Kong; without it there is a placeholder.",
)
@click.pass_context
@examples("maestro gateway render kong > kong.json", "maestro gateway render envoy --port 443 > envoy.json")
def render_target(
    ctx: click.Context,
    target: str,
    source: Path | None,
    port: int,
    jwks_file: str,
    redis: bool,
    secret_file: Path | None,
) -> None:
    """Print the configuration of TARGET, as it is now: a whole Envoy bootstrap, or a declarative file for Kong 3.

    The gateway of `maestro up` needs neither: it asks the registry, and follows it.
    """
    edge = build_edge(ctx.obj(source))
    # Each brings a renderer along, which the other commands do without.
    if target == "kong":
        from maestro_gateway.kong import kong_document, unequal_limits, unknown_issuers  # noqa: PLC0415

        secret, missing = _kong_secret(secret_file)
        for sentence in (*unequal_limits(edge), *unknown_issuers(edge), *missing):
            render.err().print(sentence, markup=False, soft_wrap=True)
        document = kong_document(edge, secret=secret, redis=redis)
    else:
        from maestro_gateway.envoy import static_configuration  # noqa: PLC0415

        if any(isinstance(route, EdgeRoute) and route.declared.rate_limits for route in edge.routes):
            sentence = "Nobody counts for a static configuration: routes with limits answer 503. `python -m maestro_gateway` counts."
            render.err().print(sentence, markup=False, soft_wrap=True)
        issuer = EdgeIssuer(name="maestro", issuer="maestro", jwks_file=jwks_file)
        document = static_configuration(edge, EdgeSettings(host="0.0.0.0", port=port, issuers=(issuer,)))  # noqa: S104 - a gateway faces outwards
    click.echo(json.dumps(document, indent=2))


@gateway.command("check", short_help="Find conflicts between declarations.")
@_file_option
@json_option
@click.pass_context
def check(ctx: click.Context, source: Path | None, as_json: bool) -> None:
    """Find what is wrong, or odd, in what services declare. Ends with 1 when there is an error; warnings are only told."""
    found = find_conflicts(ctx.obj(source))
    errors = sum(finding.severity == "error" for finding in found)
    if as_json:
        render.print_json({"findings": [asdict(finding) for finding in found], "errors": errors})
        ctx.exit(1 if errors else 0)
    for finding in found:
        line = f"{finding.severity}: {finding.service}: {finding.text} [{finding.rule}]"
        render.out().print(line, markup=False, soft_wrap=True)
    if errors:
        raise MaestroCliError(f"{render.counted(errors, 'error')} in the routes")
    render.out().print("No conflicts.", markup=False)


def _kong_secret(path: Path | None) -> tuple[str, list[str]]:
    """Return the key for Kong, and what is to be said of it."""
    if path is None:
        # With a tail that nobody can guess: a file that was loaded as it is must not accept forged tokens.
        placeholder = f"REPLACE-ME-{secrets.token_hex(_SHORTEST_SECRET)}"
        return placeholder, ["Replace the secret REPLACE-ME-… with the key of tokens, or name its file: --secret-file"]
    try:
        secret = path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise click.BadParameter(f"{path} cannot be read: {error}", param_hint="--secret-file") from error
    if len(secret.encode()) < _SHORTEST_SECRET:
        raise click.BadParameter(f"{path} holds fewer than {_SHORTEST_SECRET} bytes", param_hint="--secret-file")
    return secret, []


def _access(route: DeclaredRoute) -> str:
    if route.authentication == "public":
        return "everybody"
    who = [route.role_rule] if route.role_rule else []
    who += [f"scope:{scope}" for scope in route.scopes]
    return " ".join(who) or {"jwt": "token", "jwt-or-api-key": "token or key"}[route.authentication]
