"""Checking that histories fit the code."""

from pathlib import Path

import rich_click as click

from maestro_cli._replaying import load_workflows, modules_here, replay_histories


@click.command("replay", short_help="Check that histories fit the code.")
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
