"""`maestro workflow`: start runs, look at them, talk to them, steer them."""

from typing import Final

import rich_click as click

from maestro_cli.commands._lazy_group import LazyGroup
from maestro_cli.commands._target import Target, target_options

_HERE: Final = "maestro_cli.commands.workflow"
_PLACES: Final = {
    "run": f"{_HERE}._running:run_workflow",
    "list": f"{_HERE}._looking:list_runs",
    "count": f"{_HERE}._looking:count_runs",
    "show": f"{_HERE}._looking:show_run",
    "query": f"{_HERE}._looking:query_run",
    "signal": f"{_HERE}._talking:send_signal",
    "update": f"{_HERE}._talking:update_run",
    "cancel": f"{_HERE}._steering:cancel_run",
    "terminate": f"{_HERE}._steering:terminate_run",
    "pause": f"{_HERE}._steering:pause_run",
    "resume": f"{_HERE}._steering:resume_run",
    "prioritize": f"{_HERE}._steering:prioritize_run",
    "retry": f"{_HERE}._steering:retry_run",
    "fork": f"{_HERE}._steering:fork_run",
    "bulk": f"{_HERE}._bulk:bulk",
    "definitions": f"{_HERE}._holding:list_definitions",
    "hold": f"{_HERE}._holding:hold_workflow",
    "release": f"{_HERE}._holding:release_workflow",
    "delete": f"{_HERE}._removing:delete_run",
    "purge": f"{_HERE}._removing:purge_runs",
    "lint": "maestro_cli.commands._lint:lint_workflows",
    "validate": f"{_HERE}._validating:validate_documents",
    "graph": f"{_HERE}._validating:draw_graph",
    "export": f"{_HERE}._looking:export_run",
    "replay": f"{_HERE}._replay:replay_runs",
    "journal": "maestro_cli.commands.journal:journal",
}


@click.group(cls=LazyGroup, places=_PLACES, short_help="Run workflows and look at their runs.")
@target_options
@click.pass_context
def workflow(ctx: click.Context, url: str | None, token: str | None) -> None:
    """Run workflows and look at their runs, on the local orchestrator or on another one.

    RUN is a run's id; NAME a workflow as namespace/name, or namespace/name:version.
    """
    ctx.obj = Target(ctx.obj, url, token)


__all__ = ["workflow"]
