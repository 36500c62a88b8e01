"""`maestro scorecard`: how far services are with the migration checklist."""

from collections.abc import Mapping
from typing import Any

import rich_click as click

from maestro_cli import render
from maestro_cli._errors import EXIT_FAILED

from ._governance_target import GovernanceTarget, governance_options
from ._options import examples, json_option


@click.command(short_help="Check services against the migration checklist.")
@click.argument("service", required=False)
@click.option("--threshold", type=click.IntRange(0, 100), default=80, show_default=True, help="The score to reach.")
@click.option("--latest", is_flag=True, help="Show the latest result instead of looking anew.")
@json_option
@governance_options
@click.pass_context
@examples("maestro scorecard", "maestro scorecard intelligence-service --threshold 90 --json")
def scorecard(
    ctx: click.Context,
    service: str | None,
    threshold: int,
    latest: bool,
    as_json: bool,
    url: str | None,
    token: str | None,
    user: str | None,
) -> None:
    """Check SERVICE, or every registered one, against the migration checklist: what was seen, and what to do.

    Ends with 1 when a score is below the threshold.
    """
    target = GovernanceTarget(ctx.obj, url, token, user)
    found: Mapping[str, Any]
    if service is None:
        found = target.call(lambda client: client.get("scorecards") if latest else client.post("scorecards", "assess"))
        cards = found["scorecards"]
        if as_json:
            render.print_json(cards)
        else:
            rows = [(one["service"], one["score"], one["passed"], one["failed"], one["unknown"]) for one in cards]
            columns = ("SERVICE", "SCORE", "PASSED", "FAILED", "UNKNOWN")
            render.out().print(render.table(columns, rows, right=columns[1:]))
    else:
        found = target.call(
            lambda client: client.get("scorecards", service) if latest else client.post("scorecards", service, "assess")
        )
        cards = [found]
        if as_json:
            render.print_json(found)
        else:
            _show(found)
    ctx.exit(EXIT_FAILED if any(one["score"] < threshold for one in cards) else 0)


def _show(found: Mapping[str, Any]) -> None:
    console = render.out()
    before = [str(point["score"]) for point in reversed(found["trend"][1:6])]
    trend = f"  (before: {', '.join(before)})" if before else ""
    console.print(f"{found['service']}: {found['score']} of 100{trend}", markup=False)
    rows = [
        (one["state"], one["check"], one["evidence"], one["remedy"] or "")
        for one in sorted(found["results"], key=lambda one: one["state"])
    ]
    console.print(render.table(("STATE", "CHECK", "SEEN", "TO DO"), rows))
