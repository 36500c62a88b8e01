"""`maestro monitoring`: dashboards and rules of the services."""

import subprocess
import sys
import tempfile
from pathlib import Path

import rich_click as click

from maestro_cli._errors import MaestroCliError
from maestro_cli.local import Home, explained_environment, installed_services, own_environment

from ._options import config_folder, examples

_output_option = click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder to write the file to, by the name of the service. Without it, the document is printed.",
)
_check_option = click.option(
    "--check", "is_check", is_flag=True, help="Write nothing; fail when the file is not current."
)


@click.group(short_help="Write dashboards and alerting rules.")
def monitoring() -> None:
    """Write dashboards for Grafana and rules for Prometheus, from what a service declares: its metrics, routes and objectives."""


@monitoring.command("dashboards", short_help="Write the Grafana dashboard of a service.")
@click.argument("service")
@_output_option
@_check_option
@click.pass_obj
@examples("maestro monitoring dashboards central-registry --output grafana/dashboards")
def dashboards(home: Home, service: str, output: Path | None, is_check: bool) -> None:
    """Write the Grafana dashboard of SERVICE."""
    _generate("dashboards", home, service, output, is_check)


@monitoring.command("rules", short_help="Write the Prometheus rules of a service.")
@click.argument("service")
@_output_option
@_check_option
@click.pass_obj
@examples("maestro monitoring rules central-registry --output prometheus/rules --check")
def rules(home: Home, service: str, output: Path | None, is_check: bool) -> None:
    """Write recording and alerting rules of SERVICE: its error budgets, and alerts on what it needs."""
    _generate("rules", home, service, output, is_check)


def _generate(what: str, home: Home, service: str, output: Path | None, is_check: bool) -> None:
    if is_check and output is None:
        raise click.UsageError("--check needs --output: the folder whose file is to be current.")
    module = next(spec.module for spec in installed_services((service,)) if spec.name == service)
    environ = explained_environment(home, service, own_environment(), config_folder())
    # In a process of its own: the application reads its own configuration, and this command never loads a service.
    command = [sys.executable, "-m", "maestro_core_monitoring", what, f"{module}.main:app"]
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) if output is None else output.absolute()
        done = subprocess.run(
            [*command, "--output", str(target), *(["--check"] if is_check else [])],
            check=False,
            capture_output=True,
            text=True,
            env=environ,
        )
        if done.returncode != 0:
            raise MaestroCliError(
                done.stderr.strip() or f"{service} could not be read",
                hint=f"Write it anew: maestro monitoring {what} {service} --output {output}" if is_check else None,
            )
        if output is None:
            (written,) = target.iterdir()
            click.echo(written.read_text("utf-8"), nl=False)
        elif not is_check:
            click.echo(done.stdout, nl=False)
