"""Looking at the policies in force."""

import rich_click as click

from maestro_cli import render
from maestro_cli.commands._governance_target import GovernanceTarget
from maestro_cli.commands._options import json_option


@click.command("list", short_help="List the policies in force.")
@json_option
@click.pass_obj
def list_policies(target: GovernanceTarget, as_json: bool) -> None:
    """List the policies in force, by name."""
    found = target.call(lambda client: client.get("policies"))["policies"]
    if as_json:
        render.print_json(found)
        return
    rows = [
        (
            one["name"],
            one["version"],
            one["tests"],
            one["created_by"],
            render.moment(one["created_at"]),
            one["description"],
        )
        for one in found
    ]
    columns = ("POLICY", "VERSION", "TESTS", "BY", "SINCE", "DESCRIPTION")
    render.out().print(render.table(columns, rows, right=("VERSION", "TESTS")))


@click.command("show", short_help="Show a policy.")
@click.argument("name")
@click.option("--version", type=int, help="Which version. Default: the one in force.")
@click.option("--text", "as_text", is_flag=True, help="Print its rules as they are written.")
@json_option
@click.pass_obj
def show_policy(target: GovernanceTarget, name: str, version: int | None, as_text: bool, as_json: bool) -> None:
    """Show the policy NAME: its rules, in words or as they are written."""
    parts = ("policies", name) if version is None else ("policies", name, str(version))
    found = target.call(lambda client: client.get(*parts))
    if as_json:
        render.print_json(found)
        return
    console = render.out()
    if as_text:
        console.print(found["text"], markup=False, soft_wrap=True, end="")
        return
    facts = [
        ("Policy", found["name"]),
        ("Version", f"{found['version']} of {', '.join(map(str, found['versions']))}"),
        ("By", found["created_by"]),
        ("Since", render.moment(found["created_at"])),
        ("Description", found["description"] or None),
        ("Tests", len(found["tests"])),
    ]
    console.print(render.table(("", ""), [fact for fact in facts if fact[1] is not None]))
    rows = [(rule["id"], rule["effect"], rule["text"]) for rule in found["rules"]]
    console.print()
    console.print(render.table(("RULE", "EFFECT", "BECAUSE"), rows))
