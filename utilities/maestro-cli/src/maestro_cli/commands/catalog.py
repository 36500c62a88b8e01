"""`maestro catalog`: what each service is, and whether it is what it says."""

from collections.abc import Mapping, Sequence
from typing import Any

import rich_click as click

from maestro_cli import render
from maestro_cli._errors import EXIT_FAILED

from ._options import examples, json_option
from ._registry_target import RegistryTarget, registry_options


@click.group(short_help="See what each service is.")
@registry_options
@click.pass_context
def catalog(ctx: click.Context, url: str | None, token: str | None) -> None:
    """See what each service says about itself, and compare it with what traces show."""
    ctx.obj = RegistryTarget(ctx.obj, url, token)


@catalog.command("show", short_help="Show the catalog, or a service in it.")
@click.argument("name", required=False)
@json_option
@click.pass_obj
def show_catalog(target: RegistryTarget, name: str | None, as_json: bool) -> None:
    """Show what the service NAME says about itself; without NAME, every service in a line."""
    if name is None:
        _show_all(target.call(lambda client: client.catalog()), as_json)
        return
    entry = target.call(lambda client: client.entry(name))
    if as_json:
        render.print_json(entry)
        return
    running = ", ".join(f"{count} of {version}" for version, count in entry["running"].items())
    documents = [f"{entry[kind]} ({entry['documents'][kind]['size_bytes']} bytes)" for kind in entry["documents"]]
    facts = [
        ("Service", entry["name"]),
        ("Owner", entry["owner"] or None),
        ("Description", entry["description"] or None),
        ("Version", entry["version"]),
        ("Running", running or "nothing"),
        ("Recorded", f"{render.moment(entry['recorded_at'])} (revision {entry['revision']})"),
        *(("Docs", f"{link['title']}: {link['url']}") for link in entry["docs"]),
        *(("Document", document) for document in documents),
    ]
    console = render.out()
    console.print(render.table(("", ""), facts))
    _show_comparison(entry["observed"])


@catalog.command("check", short_help="Compare declared with observed dependencies.")
@click.argument("name", required=False)
@json_option
@examples("maestro catalog check", "maestro catalog check orders --json")
@click.pass_context
def check_catalog(ctx: click.Context, name: str | None, as_json: bool) -> None:
    """Compare what services declare with what traces show, for the service NAME or for all.

    The exit code is 1 when a service calls what it does not declare, or declares what does not exist. What it declares and
    was not seen calling is shown and is no fault.
    """
    target: RegistryTarget = ctx.obj
    if name is None:
        found = target.call(lambda client: client.catalog())
        agrees = all(each["agrees"] for each in found)
        _show_findings(found, as_json)
    else:
        comparison = target.call(lambda client: client.dependencies(name))
        agrees = comparison["agrees"]
        if as_json:
            render.print_json(comparison)
        else:
            _show_comparison(comparison)
    if not agrees:
        ctx.exit(EXIT_FAILED)


def _show_all(found: Sequence[Mapping[str, Any]], as_json: bool) -> None:
    if as_json:
        render.print_json(found)
        return
    rows = [
        (each["name"], each["owner"] or None, each["version"], sum(each["running"].values()), _verdict(each))
        for each in found
    ]
    columns = ("SERVICE", "OWNER", "VERSION", "RUNNING", "DEPENDENCIES")
    render.out().print(render.table(columns, rows, right=("RUNNING",)))


def _show_findings(found: Sequence[Mapping[str, Any]], as_json: bool) -> None:
    kinds = ("undeclared", "unknown", "unused")
    if as_json:
        render.print_json([{name: each[name] for name in ("name", "agrees", *kinds)} for each in found])
        return
    rows = [(each["name"], other, _MEANING[kind]) for each in found for kind in kinds for other in each[kind]]
    if not rows:
        render.err().print("Every service calls what it declares, and nothing else.", markup=False)
        return
    render.out().print(render.table(("SERVICE", "OTHER", "FINDING"), rows))


_MEANING = {
    "undeclared": "is called and not declared",
    "unknown": "is declared and does not exist",
    "unused": "is declared and was not seen being called",
}


def _show_comparison(comparison: Mapping[str, Any]) -> None:
    seen = {each["service"]: each for each in comparison["observed"]}
    declared = {each["service"]: each for each in comparison["declared"]}
    console = render.out()
    if not seen and not declared:
        console.print("\nIt declares no dependencies, and was not seen calling anybody.", markup=False)
        return
    rows = []
    for name in sorted(seen.keys() | declared.keys()):
        calls = seen.get(name)
        findings = [_MEANING[kind] for kind in _MEANING if name in comparison[kind]]
        rows.append(
            (
                name,
                "no" if name not in declared else "optional" if declared[name]["optional"] else "yes",
                0 if calls is None else calls["calls"],
                0 if calls is None else calls["errors"],
                None if calls is None else render.moment(calls["last_seen"]),
                "; ".join(findings) or None,
            )
        )
    columns = ("DEPENDENCY", "DECLARED", "CALLS", "ERRORS", "LAST SEEN", "FINDING")
    console.print()
    console.print(render.table(columns, rows, right=("CALLS", "ERRORS")))
    if not comparison["traced"]:
        console.print("No trace of it was seen, so nothing is said about what it does not use.", markup=False)


def _verdict(each: Mapping[str, Any]) -> str:
    counts = [f"{len(each[kind])} {kind}" for kind in ("undeclared", "unknown", "unused") if each[kind]]
    return ", ".join(counts) or "agree"
