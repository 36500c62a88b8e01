import logging

import pytest
from click.testing import CliRunner

from maestro_cli.testing import Workspace

# The block of section 4 of the integration guide, as written; nothing is missing in it.
GUIDE = '''
import click
from maestro_core_logging import configure_logging, get_logger
from maestro_core_config import ConfigManager

@click.group()
@click.option('--verbose', '-v', is_flag=True)
def cli(verbose):
    """MAESTRO CLI Tools"""
    configure_logging(
        service_name="maestro-cli",
        log_format="console",
        log_level="DEBUG" if verbose else "INFO"
    )

@cli.command()
@click.argument('service_name')
def deploy(service_name):
    """Deploy a MAESTRO service"""
    logger = get_logger(__name__)
    logger.info("Deploying service", service=service_name)
    # Deployment logic
'''


@pytest.mark.parametrize("arguments", [["deploy", "intelligence-service"], ["-v", "deploy", "intelligence-service"]])
def test_block_of_the_guide(arguments: list[str]) -> None:
    """The guide's command line runs as written and logs what it does."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    names = {"__name__": "guide"}
    exec(compile(GUIDE, "guide.py", "exec"), names)
    try:
        done = CliRunner().invoke(names["cli"], arguments)  # type: ignore[arg-type]  # the namespace holds the group
    finally:
        root.handlers[:], root.level = handlers, level

    assert done.exit_code == 0, done.output
    assert "Deploying service" in done.output


def test_shipped_command_answers_like_the_guide(workspace: Workspace) -> None:
    """`maestro -v deploy SERVICE` exists and logs the guide's line before it does its work."""
    workspace.up()

    done = workspace.run("-v", "deploy", "maestro-orchestrator")

    assert done.returncode == 0, done.stderr
    assert "Deploying service" in done.stderr
