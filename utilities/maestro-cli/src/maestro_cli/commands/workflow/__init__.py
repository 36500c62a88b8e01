"""`maestro workflow`: start runs, look at them, talk to them, steer them."""

import rich_click as click

from maestro_cli.commands._lint import lint_workflows
from maestro_cli.commands._target import Target, target_options
from maestro_cli.commands.journal import journal

from ._bulk import bulk
from ._holding import hold_workflow, list_definitions, release_workflow
from ._looking import count_runs, export_run, list_runs, query_run, show_run
from ._removing import delete_run, purge_runs
from ._replay import replay_runs
from ._running import run_workflow
from ._steering import cancel_run, fork_run, pause_run, prioritize_run, resume_run, retry_run, terminate_run
from ._talking import send_signal, update_run
from ._validating import draw_graph, validate_documents


@click.group(short_help="Run workflows and look at their runs.")
@target_options
@click.pass_context
def workflow(ctx: click.Context, url: str | None, token: str | None) -> None:
    """Run workflows and look at their runs, on the local orchestrator or on another one.

    RUN is a run's id; NAME a workflow as namespace/name, or namespace/name:version.
    """
    ctx.obj = Target(ctx.obj, url, token)


for command in (
    run_workflow,
    list_runs,
    count_runs,
    show_run,
    query_run,
    send_signal,
    update_run,
    cancel_run,
    terminate_run,
    pause_run,
    resume_run,
    prioritize_run,
    retry_run,
    fork_run,
    bulk,
    list_definitions,
    hold_workflow,
    release_workflow,
    delete_run,
    purge_runs,
    lint_workflows,
    validate_documents,
    draw_graph,
    export_run,
    replay_runs,
    journal,
):
    workflow.add_command(command)

__all__ = ["workflow"]
