"""The options that say which runs are meant."""

import functools
from collections.abc import Callable
from typing import Any, Final, TypeVar

import rich_click as click

from maestro_cli._errors import InputError
from maestro_cli._moments import Moment
from maestro_cli.client import RunCriteria

R = TypeVar("R")
STATES: Final = ("queued", "running", "paused", "completed", "failed", "cancelled", "terminated")

_OPTIONS: Final = (
    click.option("--status", type=click.Choice(STATES), multiple=True, help="In this state; several are alternatives."),
    click.option("--workflow", "name", metavar="NAME", help="Of this workflow: namespace/name[:version]."),
    click.option(
        "--attribute",
        "-a",
        "attributes",
        multiple=True,
        metavar="NAME=VALUE",
        help="With this search attribute; also NAME=FROM..TO and NAME=BEGINNING*.",
    ),
    click.option("--since", type=Moment(), help="Started at this time or later: 2h (ago), 3d, 2026-05-04T13:00."),
    click.option("--until", type=Moment(), help="Started before this time."),
    click.option("--ended-since", type=Moment(), help="Ended at this time or later."),
    click.option("--ended-until", type=Moment(), help="Ended before this time."),
    click.option("--parent", metavar="RUN", help="Children of this run."),
    click.option("--id-prefix", metavar="TEXT", help="Whose ids begin with this."),
)


def filter_options(command: Callable[..., R]) -> Callable[..., R]:
    """Give a command the options that say which runs are meant; it gets them as `wanted`."""

    @functools.wraps(command)
    def wrapped(
        status: tuple[str, ...],
        name: str | None,
        attributes: tuple[str, ...],
        parent: str | None,
        id_prefix: str | None,
        **rest: Any,
    ) -> R:
        wanted = RunCriteria(
            status=status,
            workflow=name,
            attributes=[_term(text) for text in attributes],
            parent=parent,
            id_prefix=id_prefix,
            created_after=rest.pop("since"),
            created_before=rest.pop("until"),
            finished_after=rest.pop("ended_since"),
            finished_before=rest.pop("ended_until"),
        )
        return command(wanted=wanted, **rest)

    for option in reversed(_OPTIONS):
        wrapped = option(wrapped)
    return wrapped


def _term(text: str) -> str:
    name, sign, value = text.partition("=")
    if not sign:
        raise InputError(
            f"--attribute {text} has no value", hint="Write it as NAME=VALUE, NAME=FROM..TO or NAME=BEGINNING*."
        )
    return f"{name}:{value}"
