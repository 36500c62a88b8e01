"""`maestro down`: stop the local environment."""

from datetime import timedelta

import rich_click as click

from maestro_cli import render
from maestro_cli.local import Home, stop_environment

from ._options import grace_option


@click.command(short_help="Stop the services.")
@grace_option
@click.pass_obj
def down(home: Home, grace: timedelta) -> None:
    """Stop everything that runs in this home; nothing to stop is fine."""
    console = render.err()
    with console.status("Stopping …"):
        stopped = stop_environment(home, grace=grace)
    text = f"Stopped the environment in {home.root}." if stopped else f"Nothing runs in {home.root}."
    console.print(text, markup=False, soft_wrap=True)
