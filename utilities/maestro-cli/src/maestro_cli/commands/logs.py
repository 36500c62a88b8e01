"""`maestro logs`: what a service has written."""

import contextlib
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Final

import rich_click as click

from maestro_cli import render
from maestro_cli._errors import UnknownServiceError
from maestro_cli._log_lines import readable
from maestro_cli.local import SUPERVISOR, Home, installed_services, tail

_PAUSE: Final = timedelta(milliseconds=100)


@click.command(short_help="Show what a service has logged.")
@click.argument("service")
@click.option("--follow", "-f", is_flag=True, help="Go on with what is written from now on, until Ctrl-C.")
@click.option(
    "--lines", "-n", type=click.IntRange(min=0), default=50, show_default=True, help="How many to begin with."
)
@click.option("as_json", "--json", is_flag=True, help="Print the lines as they are, on a terminal too.")
@click.pass_obj
def logs(home: Home, service: str, follow: bool, lines: int, as_json: bool) -> None:
    """Show the log of SERVICE (or of `supervisor`): readable on a terminal, raw JSON lines in a pipe."""
    known = {
        SUPERVISOR,
        *(spec.name for spec in installed_services()),
        *(path.stem for path in home.logs.glob("*.log")),
    }
    if service not in known:
        raise UnknownServiceError(service, tuple(known))
    path = home.log_file(service)
    console = render.out()
    pretty = sys.stdout.isatty() and not as_json

    def show(line: str) -> None:
        if pretty:
            console.print(readable(line), soft_wrap=True)
        else:
            click.echo(line)

    if not follow and not path.exists():
        render.err().print(f"{service} has not logged anything yet ({path}).", markup=False, soft_wrap=True)
    # The end is cut at a size taken once, so that nothing written meanwhile is lost or shown twice.
    size = path.stat().st_size if path.exists() else 0
    for line in tail(path, lines, size=size):
        show(line)
    if follow:
        with contextlib.suppress(KeyboardInterrupt):
            for line in _new_lines(path, size):
                show(line)


def _new_lines(path: Path, position: int) -> Iterator[str]:
    """Yield complete lines as they are written, also across a change of the file."""
    identity = None
    rest = b""
    while True:
        try:
            status = path.stat()
        except FileNotFoundError:
            position, rest = 0, b""
        else:
            if identity not in (None, status.st_ino) or status.st_size < position:
                position, rest = 0, b""
            identity = status.st_ino
            if status.st_size > position:
                with path.open("rb") as stream:
                    stream.seek(position)
                    chunk = stream.read()
                position += len(chunk)
                *complete, rest = (rest + chunk).split(b"\n")
                yield from (line.decode("utf-8", errors="replace") for line in complete)
        time.sleep(_PAUSE.total_seconds())
