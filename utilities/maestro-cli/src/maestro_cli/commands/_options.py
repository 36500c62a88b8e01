"""Options that several commands have, and what they share."""

import inspect
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import rich_click as click

from maestro_cli.local import DatabaseKind, Engine

F = TypeVar("F", bound=Callable[..., object])
reason_option = click.option("--reason", help="Why; kept and shown.")
yes_option = click.option("--yes", "-y", "assume_yes", is_flag=True, help="Do it without asking.")
engine_option = click.option(
    "--engine",
    type=click.Choice([engine.value for engine in Engine]),
    callback=lambda ctx, param, value: None if value is None else Engine(value),
    help="Keep runs on a Temporal server that is started along, or (the default) where the orchestrator's engine_url says.",
)
database_option = click.option(
    "--database",
    type=click.Choice([database.value for database in DatabaseKind]),
    callback=lambda ctx, param, value: None if value is None else DatabaseKind(value),
    help="Keep databases on a PostgreSQL server that is started along, or (the default) where each service's database_url says.",
)
json_option = click.option("as_json", "--json", is_flag=True, help="Print JSON instead of text.")


def examples(*lines: str) -> Callable[[F], F]:
    """Show examples at the end of a command's help.

    Args:
        *lines: Each as it is typed.
    """

    def added(command: F) -> F:
        # The backspace tells click to leave the lines as they are.
        command.__doc__ = "\n".join(
            [inspect.cleandoc(command.__doc__ or ""), "", "\b", "Examples:", *(f"  {line}" for line in lines)]
        )
        return command

    return added


class Seconds(click.ParamType[timedelta]):
    """A length of time, written as a number of seconds."""

    name = "seconds"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """Read it."""
        if isinstance(value, timedelta):
            return value
        try:
            seconds = float(value)
        except ValueError:
            self.fail(f"{value!r} is not a number of seconds", param, ctx)
        if not 0 <= seconds <= 86_400:
            self.fail("must be between 0 and a day", param, ctx)
        return timedelta(seconds=seconds)


grace_option = click.option(
    "--grace",
    type=Seconds(),
    default="10",
    show_default=True,
    help="How long a service may take to end before it is killed.",
)


def config_folder() -> Path | None:
    """Find the folder with configuration files beside where the command was called.

    Returns:
        Its absolute path, or None when there is none.
    """
    folder = Path("config").absolute()
    return folder if folder.is_dir() else None
