"""Events that a service could not handle: looking at them, handing them to it again, giving them up."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import rich_click as click

from maestro_cli import render
from maestro_cli._errors import InputError
from maestro_cli.commands._confirming import confirm
from maestro_cli.commands._options import examples, json_option, yes_option

from ._server import EventServerError, broker_option, with_broker

if TYPE_CHECKING:
    from maestro_core_messaging import Broker, DeadLetter

consumer_option = click.option("--consumer", "-c", help="Of one consumer only: <service>_<durable>.")
all_option = click.option("every", "--all", is_flag=True, help="All there are, or with --consumer all of that one.")


@click.command("dead-letters", short_help="List events that a service could not handle.")
@consumer_option
@click.option("--limit", "-n", type=click.IntRange(1), default=50, show_default=True, help="At most so many.")
@broker_option
@json_option
@examples("maestro event dead-letters", "maestro event dead-letters -c orders_on-decided --json")
def dead_letters(broker_url: str | None, consumer: str | None, limit: int, as_json: bool) -> None:
    """List events that a service could not handle, oldest first, with the reason."""
    found = with_broker(broker_url, lambda broker: broker.dead_letters.list(consumer=consumer, limit=limit))
    if as_json:
        render.print_json([_shown(letter) for letter in found])
        return
    if not found:
        render.err().print("There are no dead letters.", markup=False)
        return
    rows = [
        (
            letter.id,
            letter.consumer,
            letter.subject.removeprefix("maestro."),
            letter.key,
            letter.deliveries,
            render.moment(letter.died_at.isoformat()),
            f"{letter.reason}: {letter.detail}",
        )
        for letter in found
    ]
    columns = ("ID", "CONSUMER", "EVENT", "KEY", "TRIED", "DIED", "REASON")
    render.out().print(render.table(columns, rows, right=("ID", "TRIED")))


@click.command("replay", short_help="Hand dead letters to their service again.")
@click.argument("ids", nargs=-1, metavar="[ID]...")
@consumer_option
@all_option
@broker_option
@examples("maestro event replay 17 18", "maestro event replay --all -c orders_on-decided")
def replay(broker_url: str | None, ids: tuple[str, ...], consumer: str | None, every: bool) -> None:
    """Hand dead letters to their consumer again, and to no other; their deliveries are counted anew."""
    done = _each(broker_url, ids, consumer, every, lambda broker, letter_id: broker.dead_letters.replay(letter_id))
    render.err().print(f"Replayed {render.counted(done, 'event')}.", markup=False)


@click.command("discard", short_help="Remove dead letters for good.")
@click.argument("ids", nargs=-1, metavar="[ID]...")
@consumer_option
@all_option
@yes_option
@broker_option
@examples("maestro event discard 17", "maestro event discard --all -c orders_on-decided --yes")
def discard(broker_url: str | None, ids: tuple[str, ...], consumer: str | None, every: bool, assume_yes: bool) -> None:
    """Remove dead letters for good: nobody is going to handle these events."""
    if not assume_yes:
        confirm("These events will never be handled. Remove them?")
    done = _each(broker_url, ids, consumer, every, lambda broker, letter_id: broker.dead_letters.discard(letter_id))
    render.err().print(f"Discarded {render.counted(done, 'event')}.", markup=False)


def _each(
    broker_url: str | None,
    ids: tuple[str, ...],
    consumer: str | None,
    every: bool,
    work: Callable[[Broker, str], Awaitable[None]],
) -> int:
    if bool(ids) == every:
        raise InputError(
            "which dead letters?", hint="Give their ids, or --all; `maestro event dead-letters` shows them."
        )
    if ids and consumer is not None:
        raise InputError("--consumer goes with --all", hint="An id says whose it is.")

    async def run(broker: Broker) -> int:
        from maestro_core_messaging import DeadLetterNotFoundError  # noqa: PLC0415  see with_broker

        # All that are there now: what fails once more while this runs is a new letter.
        wanted = ids or tuple([letter.id async for letter in broker.dead_letters.each(consumer=consumer)])
        done = 0
        for letter_id in wanted:
            try:
                await work(broker, letter_id)
            except DeadLetterNotFoundError as error:
                if every:
                    continue  # somebody else was faster
                raise EventServerError(str(error), hint=f"{render.counted(done, 'event')} before it done.") from error
            done += 1
        return done

    return with_broker(broker_url, run)


def _shown(letter: DeadLetter) -> dict[str, Any]:
    return {
        "id": letter.id,
        "consumer": letter.consumer,
        "subject": letter.subject,
        "sequence": letter.sequence,
        "event_id": letter.event_id,
        "key": letter.key,
        "reason": letter.reason,
        "detail": letter.detail,
        "deliveries": letter.deliveries,
        "died_at": letter.died_at.isoformat(),
        "trace_id": letter.trace_id,
        "body": letter.body.decode("utf-8", "replace"),
    }
