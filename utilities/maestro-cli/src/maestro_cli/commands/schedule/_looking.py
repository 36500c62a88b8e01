"""Looking at schedules."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import rich_click as click

from maestro_cli import render
from maestro_cli.commands._options import json_option
from maestro_cli.commands._target import Target


@click.command("list", short_help="List schedules.")
@json_option
@click.pass_obj
def list_schedules(target: Target, as_json: bool) -> None:
    """List the schedules, by id."""
    found = target.call(lambda client: client.schedules())
    if as_json:
        render.print_json(found)
        return
    if not found:
        render.err().print("There are no schedules.")
        return
    rows = [
        (one["id"], one["workflow"], spec_text(one["spec"]), _next(one), render.moment(_last_time(one)), _state(one))
        for one in found
    ]
    render.out().print(render.table(("SCHEDULE", "WORKFLOW", "WHEN", "NEXT", "LAST RUN", "STATE"), rows))


@click.command("show", short_help="Show a schedule.")
@click.argument("schedule_id", metavar="ID")
@json_option
@click.pass_obj
def show_schedule(target: Target, schedule_id: str, as_json: bool) -> None:
    """Show the schedule ID: its settings, its next times, its latest runs, what it missed."""
    found = target.call(lambda client: client.schedule(schedule_id))
    if as_json:
        render.print_json(found)
    else:
        print_schedule(found)


def print_schedule(found: Mapping[str, Any]) -> None:
    """Show a schedule in full.

    Args:
        found: The schedule, as the orchestrator shows it.
    """
    console = render.out()
    facts = [
        ("Schedule", found["id"]),
        ("Workflow", found["workflow"]),
        ("When", spec_text(found["spec"])),
        ("Overlap", found["overlap"]),
        ("Catch-up", render.duration(timedelta(seconds=found["catch_up_s"]))),
        ("Jitter", render.duration(timedelta(seconds=found["jitter_s"])) if found["jitter_s"] else None),
        ("Queue", found.get("queue")),
        ("State", _state(found)),
        ("Created", render.moment(found["created_at"])),
        ("Missed", found["missed"] or None),
        ("Skipped", found["skipped"] or None),
        ("Waits to run", render.moment(found["buffered_for"])),
        ("Problem", found["problem"]),
    ]
    console.print(render.table(("", ""), [fact for fact in facts if fact[1] is not None]))
    if found["input"] is not None:
        console.print("\nInput", style="bold")
        render.print_json(found["input"])
    if found["next_times"]:
        console.print("\nNext times", style="bold")
        for time in found["next_times"]:
            console.print(f"  {render.moment(time)}")
    if found["last_runs"]:
        console.print("\nLatest runs", style="bold")
        rows = [
            (run["id"], render.moment(run["scheduled_for"]), render.state(run["status"] or "gone"))
            for run in found["last_runs"]
        ]
        console.print(render.table(("RUN", "FOR", "STATUS"), rows))


def spec_text(spec: Mapping[str, Any]) -> str:
    """Say when a schedule falls due.

    Args:
        spec: As the orchestrator shows it.

    Returns:
        For example `0 3 * * * Europe/Berlin` or `every 15m 00s`.
    """
    if spec.get("cron") is not None:
        return f"{spec['cron']} {spec['zone']}"
    every = f"every {render.duration(timedelta(seconds=spec['every_s']))}"
    offset = spec.get("offset_s")
    return f"{every}, shifted by {render.duration(timedelta(seconds=offset))}" if offset else every


def _next(one: Mapping[str, Any]) -> str | None:
    return render.moment(one["next_times"][0]) if one["next_times"] else None


def _last_time(one: Mapping[str, Any]) -> str | None:
    return one["last_runs"][0]["scheduled_for"] if one["last_runs"] else None


def _state(one: Mapping[str, Any]) -> str:
    if one["problem"] is not None:
        return render.state("failed").replace("failed", "stuck")
    if not one["paused"]:
        return render.state("ready").replace("ready", "active")
    return f"paused: {one['pause_reason']}" if one["pause_reason"] else "paused"
