"""Following the events between services."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

import rich_click as click

from maestro_cli import render
from maestro_cli._moments import Moment
from maestro_cli.commands._options import examples, json_option

from ._server import broker_option, with_broker

if TYPE_CHECKING:
    from datetime import datetime

    from maestro_core_messaging import Broker, Stored


@click.command("tail", short_help="Follow the events between services.")
@click.argument("subjects", nargs=-1, metavar="[SUBJECT]...")
@click.option("--since", type=Moment(), help="Begin then, or so long ago; by default with what is new.")
@click.option("--limit", "-n", type=click.IntRange(1), help="End after so many events.")
@broker_option
@json_option
@examples(
    "maestro event tail",
    "maestro event tail 'maestro.governance-service.>' --since 1h",
    "maestro event tail 'maestro.orders.*' --json | jq .data",
)
def tail(
    broker_url: str | None, subjects: tuple[str, ...], since: datetime | None, limit: int | None, as_json: bool
) -> None:
    """Show what is published on SUBJECTS, with * for one part and > for all that follow; by default everything.

    With --json each event is a line, as it was published. Ctrl-C ends it.
    """

    async def follow(broker: Broker) -> None:
        shown = 0
        async with aclosing(broker.tail(*subjects, since=since)) as events:
            async for stored in events:
                _print(stored, as_json)
                shown += 1
                if shown == limit:
                    return

    with_broker(broker_url, follow)


def _print(stored: Stored, as_json: bool) -> None:
    text = stored.body.decode("utf-8", "replace")
    if as_json:
        click.echo(text.replace("\n", " "))
        return
    told = f"{render.moment(stored.stored_at.isoformat())}  {stored.subject.removeprefix('maestro.')}  {text}"
    render.out().print(told, markup=False, highlight=False, soft_wrap=True)
