"""Workflows as a whole: which there are, and holding every run of one."""

import rich_click as click

from maestro_cli import render
from maestro_cli.commands._options import examples, json_option, reason_option
from maestro_cli.commands._target import Target


@click.command("definitions", short_help="List the registered workflows.")
@json_option
@click.pass_obj
def list_definitions(target: Target, as_json: bool) -> None:
    """List the registered workflows with their versions, and which are held."""
    found = target.call(lambda client: client.workflows())
    if as_json:
        render.print_json(found)
        return
    rows = [
        (
            f"{one['namespace']}/{one['name']}:{one['version']}",
            one["kind"],
            "yes" if one["latest"] else None,
            render.moment(one["paused"]["since"]) if one["paused"] else None,
            one["problem"] or (one["paused"] or {}).get("reason"),
        )
        for one in found
    ]
    render.out().print(render.table(("WORKFLOW", "KIND", "LATEST", "HELD SINCE", "WHY"), rows))


@click.command("hold", short_help="Make every run of a workflow wait.")
@click.argument("name")
@reason_option
@examples(
    'maestro workflow hold shop/order --reason "the payment provider is down"',
)
@click.pass_obj
def hold_workflow(target: Target, name: str, reason: str | None) -> None:
    """Start nothing more of any run of the workflow NAME, those to come included, until it is released.

    NAME is namespace/name, or namespace/name:version for one version. What is under way goes on; new runs are accepted and wait.
    """
    target.call(lambda client: client.hold(name, reason))
    render.err().print(f"Runs of {name} wait until `maestro workflow release {name}`.", markup=False, soft_wrap=True)


@click.command("release", short_help="Let the runs of a held workflow go on.")
@click.argument("name")
@click.pass_obj
def release_workflow(target: Target, name: str) -> None:
    """Let the runs of the workflow NAME go on, which was held under the same NAME. A run that is paused by itself stays so."""
    target.call(lambda client: client.release(name))
    render.err().print(f"Runs of {name} go on.", markup=False, soft_wrap=True)
