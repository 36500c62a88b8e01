"""Options that several commands have, and what they share."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import rich_click as click

json_option = click.option("as_json", "--json", is_flag=True, help="Print JSON instead of text.")


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
