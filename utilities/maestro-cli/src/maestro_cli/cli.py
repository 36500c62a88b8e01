"""The `maestro` command: its options, and where its commands are."""

import logging
from importlib.metadata import version
from pathlib import Path

import rich_click as click

from maestro_core_logging import configure_logging

from ._group import MaestroGroup
from .local import Home


@click.group(cls=MaestroGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--verbose", "-v", is_flag=True, help="Tell more about what happens.")
@click.option(
    "--home",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="MAESTRO_HOME",
    default=Path(".maestro"),
    show_default=True,
    show_envvar=True,
    help="Folder of the local environment.",
)
@click.version_option(version("maestro-cli"), "--version", prog_name="maestro")
@click.pass_context
def cli(ctx: click.Context, verbose: bool, home: Path) -> None:
    """Run MAESTRO on this machine: its services, their workflows, their configuration."""
    configure_logging(service_name="maestro-cli", log_format="console", log_level="DEBUG" if verbose else "INFO")
    if not verbose:
        # The HTTP client tells of every call.
        logging.getLogger("httpx2").setLevel(logging.WARNING)
    ctx.obj = Home(home.absolute())


def main() -> None:
    """Run the command line; ends the process."""
    cli(prog_name="maestro")
