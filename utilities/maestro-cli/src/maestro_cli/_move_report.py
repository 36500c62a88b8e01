"""A move between engines as a person, and as a program, reads it."""

from typing import Any

import msgspec

from maestro_workflow_engine.moving import MoveReport

from . import render

_SHOWN = 50


def as_json(report: MoveReport) -> dict[str, Any]:
    """Return a report as JSON values."""
    found: dict[str, Any] = msgspec.to_builtins(report)
    counts = [
        {"workflow": workflow, "status": status, "outcome": outcome, "runs": count}
        for (workflow, status, outcome), count in report.counts().items()
    ]
    return {**found, "complete": report.is_complete, "counts": counts}


def show(report: MoveReport) -> None:
    """Print a report: counts first, then whatever stays and why, then what will be different."""
    console = render.out()
    ended = ", ".join(f"{count:,} {status}" for status, count in report.ended.items()) or "none"
    facts = [("From", report.source), ("To", report.target), ("Ended, stay in the journal", ended)]
    if report.moved_before:
        facts.append(("Moved before", f"{report.moved_before:,}"))
    console.print(render.table(("", ""), facts))
    if report.runs:
        rows = [(*key, f"{count:,}") for key, count in report.counts().items()]
        console.print()
        console.print(render.table(("WORKFLOW", "STATUS", "OUTCOME", "RUNS"), rows, right=("RUNS",)))
    if report.schedules:
        schedules = [
            (one.id, one.workflow, "paused" if one.paused else "active", one.outcome) for one in report.schedules
        ]
        console.print()
        console.print(render.table(("SCHEDULE", "WORKFLOW", "STATE", "OUTCOME"), schedules))
    _list("Stays", [f"{each.id}: {'; '.join(each.reasons)}" for each in report.staying])
    _list("Different afterwards", [f"{each.id}: {note}" for each in report.everything for note in each.notes])
    _list(
        "Runs again, at least once",
        [f"{run.id}: {', '.join(run.unfinished_steps)}" for run in report.runs if run.unfinished_steps],
    )


def _list(title: str, lines: list[str]) -> None:
    if not lines:
        return
    console = render.out()
    console.print(f"\n{title}", style="bold")
    for line in lines[:_SHOWN]:
        console.print(f"  {line}", markup=False, soft_wrap=True)
    if len(lines) > _SHOWN:
        console.print(f"  … and {len(lines) - _SHOWN:,} more; --json lists them all", markup=False)
