"""Starting a run and following it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import rich_click as click

from maestro_cli import render
from maestro_cli._documents import is_document, read_document, read_value
from maestro_cli._errors import EXIT_INTERRUPTED, InputError
from maestro_cli._following import StatusLine, follow_run
from maestro_cli.client import OrchestratorClient
from maestro_cli.commands._options import examples, json_option
from maestro_cli.commands._target import Target

from ._start_options import start_options


@click.command("run", short_help="Start a run and follow it.")
@click.argument("name_or_file")
@click.option("--input", "-i", "given", metavar="JSON|@FILE", help="The run's input; @- reads standard input.")
@click.option("--id", "run_id", help="The run's id: the same id again is the same run, never a second one.")
@start_options
@click.option("--wait/--no-wait", default=True, show_default=True, help="Follow it to its end and print its result.")
@json_option
@examples(
    """maestro workflow run hello.yaml --input '{"name": "Ada"}'""",
    "maestro workflow run shop/order -i @order.json --id order-1042 --attribute customer=acme",
)
@click.pass_obj
def run_workflow(
    target: Target,
    name_or_file: str,
    given: str | None,
    run_id: str | None,
    options: Mapping[str, Any],
    wait: bool,
    as_json: bool,
) -> None:
    """Start a run of NAME_OR_FILE: a registered workflow (namespace/name[:version]) or a document.

    A document is a YAML or JSON file, or - for standard input; it is checked and registered first. Ends with exit code 1
    when it has a fault or the run fails. Ctrl-C leaves the run to itself.
    """
    if name_or_file == "-" and given == "@-":
        raise InputError("standard input cannot be both the document and the input")
    value = read_value(given, "input")
    document = read_document(Path(name_or_file)) if is_document(name_or_file) else None

    async def start(client: OrchestratorClient) -> Mapping[str, Any]:
        if document is None:
            return await client.start(name_or_file, value, run_id, options)
        await client.put_workflow(
            document.namespace, document.name, document.version, document.text, document.content_type
        )
        return await client.start(document.reference, value, run_id, options)

    run = target.call(start)
    if wait:
        run = _follow(target, run["id"])
    else:
        render.err().print(f"Started run {run['id']}.", markup=False, soft_wrap=True)
    if as_json:
        render.print_json(run)
    elif wait:
        render.print_json(run.get("output"))
    else:
        click.echo(run["id"])


def _follow(target: Target, run_id: str) -> Mapping[str, Any]:
    console = render.err()
    try:
        console.print(f"Run {run_id}", markup=False, soft_wrap=True)
        with StatusLine(console, "Running") as show:
            return target.call(lambda client: follow_run(client, run_id, show))
    except KeyboardInterrupt:
        console.print(
            f"The run goes on. `maestro workflow show {run_id}` looks at it, "
            f"`maestro workflow cancel {run_id}` stops it.",
            markup=False,
            soft_wrap=True,
        )
        raise SystemExit(EXIT_INTERRUPTED) from None
