"""Talking to a run: signals and updates."""

import uuid
from datetime import timedelta

import rich_click as click

from maestro_cli import render
from maestro_cli._documents import read_value
from maestro_cli._errors import EXIT_INTERRUPTED, UpdateUnansweredError
from maestro_cli.client import UpdateUnanswered
from maestro_cli.commands._options import Seconds, examples
from maestro_cli.commands._target import Target


@click.command("signal", short_help="Send a signal to a run.")
@click.argument("run_id")
@click.argument("name")
@click.argument("payload", required=False, metavar="[JSON|@FILE]")
@click.pass_obj
def send_signal(target: Target, run_id: str, name: str, payload: str | None) -> None:
    """Send the signal NAME to the run RUN_ID, with a JSON value or none."""
    value = read_value(payload, "payload")
    target.call(lambda client: client.signal(run_id, name, value))
    render.err().print(f"Sent {name} to run {run_id}.", markup=False, soft_wrap=True)


@click.command("update", short_help="Ask a run for something and wait for its answer.")
@click.argument("run_id")
@click.argument("name")
@click.argument("payload", required=False, metavar="[JSON|@FILE]")
@click.option("--id", "update_id", help="The request's id: the same id again is the same request, never a second one.")
@click.option("--timeout", type=Seconds(), help="How long to wait for the answer. Default: until it comes.")
@examples(
    """maestro workflow update basket-7 add '"book"'""",
    "maestro workflow update basket-7 pay @card.json --id pay-1 --timeout 60",
)
@click.pass_obj
def update_run(
    target: Target, run_id: str, name: str, payload: str | None, update_id: str | None, timeout: timedelta | None
) -> None:
    """Ask the run RUN_ID for NAME, with a JSON value or none, and print its answer as JSON.

    The workflow checks the request and answers it (`on_update`). Ends with exit code 1 when it refuses, and when no answer has
    come in time; the request then goes on, and the same --id asks for its answer again.
    """
    value = read_value(payload, "payload")
    chosen = update_id or uuid.uuid4().hex
    try:
        with render.err().status(f"Waiting for run {run_id} to answer {name} …"):
            answer = target.call(lambda client: client.update(run_id, name, value, update_id=chosen, timeout=timeout))
    except UpdateUnanswered as error:
        raise UpdateUnansweredError(run_id, name, chosen) from error
    except KeyboardInterrupt:
        render.err().print(
            f"The request goes on; --id {chosen} asks for its answer again.", markup=False, soft_wrap=True
        )
        raise SystemExit(EXIT_INTERRUPTED) from None
    render.print_json(answer)
