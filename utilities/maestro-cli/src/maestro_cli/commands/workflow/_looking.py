"""Looking at runs."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import rich_click as click

from maestro_cli import render
from maestro_cli._following import error_text, event_text
from maestro_cli._output import write_output
from maestro_cli.client import OrchestratorClient, RunCriteria
from maestro_cli.commands._options import examples, json_option
from maestro_cli.commands._target import Target

from ._filters import filter_options


@click.command("list", short_help="List runs.")
@filter_options
@click.option("--oldest-first", is_flag=True, help="Begin with the oldest instead of the newest.")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="How many at most.")
@json_option
@examples(
    "maestro workflow list --status failed --since 2h",
    "maestro workflow list -a customer=acme -a amount=100..",
)
@click.pass_obj
def list_runs(target: Target, wanted: RunCriteria, oldest_first: bool, limit: int, as_json: bool) -> None:
    """List runs, newest first: those that meet everything that is given."""
    order = "oldest" if oldest_first else "newest"
    runs, has_more = target.call(lambda client: client.runs(wanted, order=order, limit=limit))
    if as_json:
        render.print_json(runs)
        return
    if not runs:
        render.err().print("There are no such runs.")
        return
    has_attributes = any(run.get("attributes") for run in runs)
    columns = ("RUN", "WORKFLOW", "STATUS", "STARTED", "TOOK", *(["ATTRIBUTES"] if has_attributes else []))
    render.out().print(
        render.table(columns, [_row(run, with_attributes=has_attributes) for run in runs], right=("TOOK",))
    )
    if has_more:
        render.err().print("There are more: --limit shows them, `count` counts them.", markup=False)


@click.command("count", short_help="Count runs.")
@filter_options
@examples(
    "maestro workflow count --status failed --since 1d",
)
@click.pass_obj
def count_runs(target: Target, wanted: RunCriteria) -> None:
    """Count the runs that meet everything that is given."""
    click.echo(target.call(lambda client: client.count(wanted)))


@click.command("show", short_help="Show a run.")
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
        ("Attributes", render.attributes(run.get("attributes"))),
        ("Held", _hold_text(run.get("workflow_paused"))),
        ("Waits for", ", ".join(map(_wait_text, run.get("waiting_for") or [])) or None),
        ("Moved to", run.get("moved_to")),
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


@click.command("export", short_help="Write a run's history as JSON.")
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


@click.command("query", short_help="Show what a run has published.")
@click.argument("run_id")
@click.argument("key")
@click.pass_obj
def query_run(target: Target, run_id: str, key: str) -> None:
    """Print what the run RUN_ID has published under KEY, as JSON: its progress, for instance."""
    render.print_json(target.call(lambda client: client.query(run_id, key)))


def _row(run: Mapping[str, Any], *, with_attributes: bool) -> tuple[object, ...]:
    row = (run["id"], _reference(run), render.state(run["status"]), render.moment(run["created_at"]), _took(run))
    return (*row, render.attributes(run.get("attributes"))) if with_attributes else row


def _reference(run: Mapping[str, Any]) -> str:
    return f"{run['workflow']}:{run['version']}" if run.get("version") else str(run["workflow"])


def _took(run: Mapping[str, Any]) -> str | None:
    started = datetime.fromisoformat(run["created_at"])
    ended = run.get("finished_at")
    return render.duration(datetime.fromisoformat(ended) - started if ended else render.since(started))


def _wait_text(wait: Any) -> str:
    if not isinstance(wait, Mapping):
        return str(wait)
    attempt, place, until = wait.get("attempt"), wait.get("place"), render.moment(wait.get("until"))
    parts = [
        wait.get("kind"),
        wait.get("name"),
        f"(attempt {attempt})" if attempt is not None else None,
        f"(place {place})" if place is not None else None,
        f"until {until}" if until else None,
    ]
    return " ".join(str(part) for part in parts if part)


def _hold_text(hold: Mapping[str, Any] | None) -> str | None:
    if hold is None:
        return None
    what = "its workflow" if hold["version"] is None else f"version {hold['version']} of its workflow"
    return f"{what} is held since {render.moment(hold['since'])}" + (f": {hold['reason']}" if hold["reason"] else "")
