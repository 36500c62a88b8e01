"""Steering a run: stopping, holding, letting go, going back."""

import rich_click as click

from maestro_cli import render
from maestro_cli.commands._options import json_option, reason_option
from maestro_cli.commands._target import Target


@click.command("cancel", short_help="Stop a run.")
@click.argument("run_id")
@click.pass_obj
def cancel_run(target: Target, run_id: str) -> None:
    """Ask the run RUN_ID to stop."""
    target.call(lambda client: client.cancel(run_id))
    render.err().print(f"Asked run {run_id} to stop.", markup=False, soft_wrap=True)


@click.command("terminate", short_help="End a run at once.")
@click.argument("run_id")
@reason_option
@click.pass_obj
def terminate_run(target: Target, run_id: str, reason: str | None) -> None:
    """End the run RUN_ID at once, without letting it clean up. `cancel` asks instead."""
    target.call(lambda client: client.intervene(run_id, "terminate", reason))
    render.err().print(f"Terminated run {run_id}.", markup=False, soft_wrap=True)


@click.command("pause", short_help="Make a run wait.")
@click.argument("run_id")
@reason_option
@click.pass_obj
def pause_run(target: Target, run_id: str, reason: str | None) -> None:
    """Start nothing more of the run RUN_ID until it is resumed. `hold` does it to every run of a workflow."""
    target.call(lambda client: client.intervene(run_id, "pause", reason))
    render.err().print(f"Paused run {run_id}.", markup=False, soft_wrap=True)


@click.command("resume", short_help="Let a paused run go on.")
@click.argument("run_id")
@click.pass_obj
def resume_run(target: Target, run_id: str) -> None:
    """Let the paused run RUN_ID go on."""
    target.call(lambda client: client.intervene(run_id, "resume"))
    render.err().print(f"Resumed run {run_id}.", markup=False, soft_wrap=True)


@click.command("prioritize", short_help="Move a run within its queue.")
@click.argument("run_id")
@click.argument("priority", type=click.IntRange(0, 9))
@click.pass_obj
def prioritize_run(target: Target, run_id: str, priority: int) -> None:
    """Give the run RUN_ID another PRIORITY in the queue it waits in: 0 (most urgent) to 9."""
    target.call(lambda client: client.reprioritize(run_id, priority))
    render.err().print(f"Run {run_id} has priority {priority}.", markup=False, soft_wrap=True)


@click.command("retry", short_help="Let a failed run go on.")
@click.argument("run_id")
@click.pass_obj
def retry_run(target: Target, run_id: str) -> None:
    """Let the failed run RUN_ID go on from its failed step; what completed before does not run again."""
    target.call(lambda client: client.intervene(run_id, "retry"))
    render.err().print(f"Run {run_id} goes on.", markup=False, soft_wrap=True)


@click.command("fork", short_help="Start anew from a step of a run.")
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
