"""`maestro workflow`: start runs, look at them, talk to them."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import rich_click as click

from maestro_cli import render
from maestro_cli._documents import is_document, read_document, read_value
from maestro_cli._errors import EXIT_INTERRUPTED
from maestro_cli._following import StatusLine, error_text, event_text, follow_run
from maestro_cli._output import write_output
from maestro_cli._replaying import load_workflows, modules_here, replay_histories
from maestro_cli.client import OrchestratorClient, open_orchestrator
from maestro_cli.local import Home

from ._lint import lint_workflows
from ._options import json_option
from .journal import journal

T = TypeVar("T")
_STATES = ("running", "paused", "completed", "failed", "cancelled", "terminated")


@dataclass(frozen=True, slots=True)
class Target:
    """Which orchestrator is meant."""

    home: Home
    url: str | None
    token: str | None

    def call(self, work: Callable[[OrchestratorClient], Awaitable[T]]) -> T:
        """Do something with the orchestrator.

        Args:
            work: What to do.

        Returns:
            What it returned.
        """

        async def run() -> T:
            async with open_orchestrator(self.home, self.url, self.token) as client:
                return await work(client)

        return asyncio.run(run())


@click.group(short_help="Run workflows and look at their runs.")
@click.option(
    "--url", envvar="MAESTRO_ORCHESTRATOR_URL", show_envvar=True, help="Another orchestrator than the local one."
)
@click.option(
    "--token", envvar="MAESTRO_TOKEN", show_envvar=True, help="Bearer token, when the local key does not fit."
)
@click.pass_context
def workflow(ctx: click.Context, url: str | None, token: str | None) -> None:
    """Run workflows and look at their runs, on the local orchestrator or on another one."""
    ctx.obj = Target(ctx.obj, url, token)


workflow.add_command(lint_workflows)
workflow.add_command(journal)


@workflow.command("run", short_help="Start a run and follow it.")
@click.argument("name_or_file")
@click.option("--input", "-i", "given", metavar="JSON|@FILE", help="The run's input; @- reads standard input.")
@click.option("--id", "run_id", help="The run's id: the same id again is the same run, never a second one.")
@click.option("--wait/--no-wait", default=True, show_default=True, help="Follow it to its end and print its result.")
@json_option
@click.pass_obj
def run_workflow(
    target: Target, name_or_file: str, given: str | None, run_id: str | None, wait: bool, as_json: bool
) -> None:
    """Start a run of NAME_OR_FILE: a registered workflow (namespace/name[:version]) or a document.

    A document is registered first. Ends with exit code 1 when the run fails. Ctrl-C leaves the run to itself.
    """
    value = read_value(given, "input")
    document = read_document(Path(name_or_file)) if is_document(name_or_file) else None

    async def start(client: OrchestratorClient) -> Mapping[str, Any]:
        if document is None:
            return await client.start(name_or_file, value, run_id)
        await client.put_workflow(
            document.namespace, document.name, document.version, document.text, document.content_type
        )
        return await client.start(document.reference, value, run_id)

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


@workflow.command("list", short_help="List runs.")
@click.option("--status", type=click.Choice(_STATES), help="Only runs in this state.")
@click.option("--workflow", "name", metavar="NAME", help="Only runs of this workflow (namespace/name).")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="How many at most.")
@json_option
@click.pass_obj
def list_runs(target: Target, status: str | None, name: str | None, limit: int, as_json: bool) -> None:
    """List runs, newest first."""
    runs = target.call(lambda client: client.runs(status=status, workflow=name, limit=limit))
    if as_json:
        render.print_json(runs)
        return
    if not runs:
        render.err().print("There are no such runs.")
        return
    rows = [
        (run["id"], _reference(run), render.state(run["status"]), render.moment(run["created_at"]), _took(run))
        for run in runs
    ]
    render.out().print(render.table(("RUN", "WORKFLOW", "STATUS", "STARTED", "TOOK"), rows, right=("TOOK",)))


@workflow.command("show", short_help="Show a run.")
@click.argument("run_id")
@json_option
@click.pass_obj
def show_run(target: Target, run_id: str, as_json: bool) -> None:
    """Show the run RUN_ID: its state, its result, what it waits for, its history."""

    async def fetch(client: OrchestratorClient) -> tuple[Mapping[str, Any], list[Mapping[str, Any]]]:
        return await client.run(run_id), await client.history(run_id)

    run, history = target.call(fetch)
    if as_json:
        render.print_json({**run, "history": history})
        return
    console = render.out()
    facts = [
        ("Run", run["id"]),
        ("Workflow", _reference(run)),
        ("Status", render.state(run["status"])),
        ("Started", render.moment(run["created_at"])),
        ("Ended", render.moment(run.get("finished_at"))),
        ("Parent", run.get("parent_id")),
        ("Trace", run.get("trace_id")),
        ("Waits for", ", ".join(map(_wait_text, run.get("waiting_for") or [])) or None),
        ("Problem", run.get("problem")),
        ("Error", error_text(run.get("error"))),
    ]
    console.print(render.table(("", ""), [fact for fact in facts if fact[1] is not None]))
    for title in ("input", "output"):
        if run.get(title) is not None:
            console.print(f"\n{title.capitalize()}", style="bold")
            render.print_json(run[title])
    console.print("\nHistory", style="bold")
    rows = [(event.get("position"), render.moment(event.get("time")), event_text(event)) for event in history]
    console.print(render.table(("#", "TIME", "EVENT"), rows, right=("#",)))


@workflow.command("export", short_help="Write a run's history as JSON.")
@click.argument("run_id")
@click.option(
    "--output", "-o", type=click.Path(dir_okay=False, path_type=Path), help="Write here instead of to standard output."
)
@click.pass_obj
def export_run(target: Target, run_id: str, output: Path | None) -> None:
    """Write the history of the run RUN_ID as a JSON document, for `replay` and for taking it over elsewhere."""
    text = target.call(lambda client: client.export(run_id))
    if output is None:
        click.echo(text)
        return
    write_output(output, text + b"\n")
    render.err().print(f"Wrote the history of run {run_id} to {output}.", markup=False, soft_wrap=True)


@workflow.command("replay", short_help="Check that histories fit the code.")
@click.argument("histories", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="HISTORY.json...")
@click.option(
    "--module", "module", required=True, metavar="MODULE[:WORKFLOW]", help="Where the workflows are; also found here."
)
def replay_runs(histories: tuple[Path, ...], module: str) -> None:
    """Take today's code through the histories of earlier runs, as `maestro workflow export` writes them.

    With MODULE alone each history is replayed on the workflow and version that it names; with MODULE:WORKFLOW all are
    replayed on that one. No step runs. Ends with exit code 1 when a history does not fit.
    """
    with modules_here():
        replay_histories(histories, load_workflows(module))


@workflow.command("signal", short_help="Send a signal to a run.")
@click.argument("run_id")
@click.argument("name")
@click.argument("payload", required=False, metavar="[JSON|@FILE]")
@click.pass_obj
def send_signal(target: Target, run_id: str, name: str, payload: str | None) -> None:
    """Send the signal NAME to the run RUN_ID, with a JSON value or none."""
    value = read_value(payload, "payload")
    target.call(lambda client: client.signal(run_id, name, value))
    render.err().print(f"Sent {name} to run {run_id}.", markup=False, soft_wrap=True)


@workflow.command("cancel", short_help="Stop a run.")
@click.argument("run_id")
@click.pass_obj
def cancel_run(target: Target, run_id: str) -> None:
    """Ask the run RUN_ID to stop."""
    target.call(lambda client: client.cancel(run_id))
    render.err().print(f"Asked run {run_id} to stop.", markup=False, soft_wrap=True)


_reason_option = click.option("--reason", help="Kept in the history.")


@workflow.command("terminate", short_help="End a run at once.")
@click.argument("run_id")
@_reason_option
@click.pass_obj
def terminate_run(target: Target, run_id: str, reason: str | None) -> None:
    """End the run RUN_ID at once, without letting it clean up. `cancel` asks instead."""
    target.call(lambda client: client.intervene(run_id, "terminate", reason))
    render.err().print(f"Terminated run {run_id}.", markup=False, soft_wrap=True)


@workflow.command("pause", short_help="Hold a run up.")
@click.argument("run_id")
@_reason_option
@click.pass_obj
def pause_run(target: Target, run_id: str, reason: str | None) -> None:
    """Start nothing more of the run RUN_ID until it is resumed."""
    target.call(lambda client: client.intervene(run_id, "pause", reason))
    render.err().print(f"Paused run {run_id}.", markup=False, soft_wrap=True)


@workflow.command("resume", short_help="Let a paused run go on.")
@click.argument("run_id")
@click.pass_obj
def resume_run(target: Target, run_id: str) -> None:
    """Let the paused run RUN_ID go on."""
    target.call(lambda client: client.intervene(run_id, "resume"))
    render.err().print(f"Resumed run {run_id}.", markup=False, soft_wrap=True)


@workflow.command("retry", short_help="Let a failed run go on.")
@click.argument("run_id")
@click.pass_obj
def retry_run(target: Target, run_id: str) -> None:
    """Let the failed run RUN_ID go on from its failed step; what completed before does not run again."""
    target.call(lambda client: client.intervene(run_id, "retry"))
    render.err().print(f"Run {run_id} goes on.", markup=False, soft_wrap=True)


@workflow.command("fork", short_help="Start anew from a step of a run.")
@click.argument("run_id")
@click.option("--step", type=click.IntRange(min=1), required=True, help="The step's number: seq in the history.")
@click.option("--id", "new_id", help="The new run's id. Default: a new one.")
@json_option
@click.pass_obj
def fork_run(target: Target, run_id: str, step: int, new_id: str | None, as_json: bool) -> None:
    """Start a new run that takes over what completed in the run RUN_ID before a step."""
    run = target.call(lambda client: client.fork(run_id, step, new_id))
    if as_json:
        render.print_json(run)
    else:
        render.out().print(str(run["id"]), markup=False, soft_wrap=True)


def _reference(run: Mapping[str, Any]) -> str:
    return f"{run['workflow']}:{run['version']}" if run.get("version") else str(run["workflow"])


def _took(run: Mapping[str, Any]) -> str | None:
    started = datetime.fromisoformat(run["created_at"])
    ended = run.get("finished_at")
    return render.duration(datetime.fromisoformat(ended) - started if ended else render.since(started))


def _wait_text(wait: Any) -> str:
    if not isinstance(wait, Mapping):
        return str(wait)
    return " ".join(str(value) for value in wait.values() if value not in (None, ""))
