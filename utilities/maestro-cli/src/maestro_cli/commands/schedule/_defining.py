"""Making and changing schedules."""

import functools
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final, TypeVar

import rich_click as click

from maestro_cli import render
from maestro_cli._documents import read_value
from maestro_cli._errors import InputError
from maestro_cli._moments import Length
from maestro_cli.commands._options import examples, json_option
from maestro_cli.commands._target import Target

from ._looking import print_schedule

R = TypeVar("R")
_OVERLAPS: Final = ("skip", "buffer_one", "allow", "cancel_other")
_OPTIONS: Final = (
    click.option("--cron", metavar="EXPRESSION", help="Minute, hour, day of month, month, day of week; or @daily."),
    click.option(
        "--zone", metavar="ZONE", help="The clocks that --cron is read on, such as Europe/Berlin. Default: UTC."
    ),
    click.option("--every", type=Length(), help="At even distances: 30s, 15m, 1h30m."),
    click.option("--offset", type=Length(), help="Shifts the times of --every."),
    click.option("--input", "-i", "given", metavar="JSON|@FILE", help="The runs' input; @- reads standard input."),
    click.option(
        "--overlap",
        type=click.Choice(_OVERLAPS),
        help="What happens when the run before has not ended: this time is skipped (the default), one run waits, they run "
        "side by side, or the other is asked to stop.",
    ),
    click.option("--catch-up", type=Length(), help="How late a run may start after an outage. Default: 1h."),
    click.option("--queue", metavar="QUEUE", help="The queue that its runs wait in. Default: none."),
    click.option("--priority", type=click.IntRange(0, 9), help="Their place in the queue, 0 first. Default: 5."),
    click.option("--jitter", type=Length(), help="The longest delay that is added to each time. Default: none."),
)


def _settings(command: Callable[..., R]) -> Callable[..., R]:
    """Give a command the options with a schedule's settings; it gets what was given as `settings`."""

    @functools.wraps(command)
    def wrapped(
        cron: str | None,
        zone: str | None,
        every: timedelta | None,
        offset: timedelta | None,
        given: str | None,
        overlap: str | None,
        **rest: Any,
    ) -> R:
        found: dict[str, Any] = {
            "spec": _spec(cron, zone, every, offset),
            "overlap": overlap,
            "queue": rest.pop("queue"),
            "priority": rest.pop("priority"),
            "catch_up_s": _seconds(rest.pop("catch_up")),
            "jitter_s": _seconds(rest.pop("jitter")),
        }
        settings = {name: value for name, value in found.items() if value is not None}
        if given is not None:
            settings["input"] = read_value(given, "input")
        return command(settings=settings, **rest)

    for option in reversed(_OPTIONS):
        wrapped = option(wrapped)
    return wrapped


@click.command("create", short_help="Make a schedule.")
@click.argument("schedule_id", metavar="ID")
@click.argument("name", metavar="NAME")
@_settings
@click.option("--paused", is_flag=True, help="It waits until it is resumed.")
@click.option("--replace", is_flag=True, help="If there is one of this id, give it this definition.")
@json_option
@examples(
    "maestro schedule create nightly reports/nightly --cron '0 3 * * *' --zone Europe/Berlin",
    "maestro schedule create sync shop/sync:2.1.0 --every 15m --overlap buffer_one -i @sync.json",
)
@click.pass_obj
def create_schedule(
    target: Target, schedule_id: str, name: str, settings: dict[str, Any], paused: bool, replace: bool, as_json: bool
) -> None:
    """Make the schedule ID, which starts the workflow NAME: namespace/name (the latest version) or namespace/name:version.

    An id that is taken is refused unless there is --replace; what exists stays paused or not, as it is.
    """
    if "spec" not in settings:
        raise InputError("the schedule does not say when", hint="Give --cron EXPRESSION or --every LENGTH.")
    definition = {"workflow": name, "paused": paused, **settings}
    if replace:
        found = target.call(lambda client: client.define_schedule(schedule_id, definition))
    else:
        found = target.call(lambda client: client.create_schedule(schedule_id, definition))
    if as_json:
        render.print_json(found)
    else:
        print_schedule(found)


@click.command("update", short_help="Change a schedule.")
@click.argument("schedule_id", metavar="ID")
@click.option("--workflow", "name", metavar="NAME", help="What it starts: namespace/name[:version].")
@_settings
@json_option
@examples(
    "maestro schedule update nightly --cron '30 2 * * *' --zone Europe/Berlin",
    'maestro schedule update nightly --input \'{"region": "north"}\'',
)
@click.pass_obj
def update_schedule(
    target: Target, schedule_id: str, name: str | None, settings: dict[str, Any], as_json: bool
) -> None:
    """Change what is given about the schedule ID; the rest stays. Other times count from now on."""
    changes = settings if name is None else {"workflow": name, **settings}
    if not changes:
        raise InputError("nothing was given to change", hint="`maestro schedule update --help` lists what can change.")
    found = target.call(lambda client: client.change_schedule(schedule_id, changes))
    if as_json:
        render.print_json(found)
    else:
        print_schedule(found)


def _spec(
    cron: str | None, zone: str | None, every: timedelta | None, offset: timedelta | None
) -> dict[str, Any] | None:
    if cron is not None and every is not None:
        raise InputError("--cron and --every both say when", hint="Give one of them.")
    if zone is not None and cron is None:
        raise InputError("--zone goes with --cron", hint="Give the expression as well.")
    if offset is not None and every is None:
        raise InputError("--offset goes with --every", hint="Give the distance as well.")
    if cron is not None:
        return {"cron": cron} if zone is None else {"cron": cron, "zone": zone}
    if every is None:
        return None
    found = {"every_s": every.total_seconds()}
    return found if offset is None else found | {"offset_s": offset.total_seconds()}


def _seconds(length: timedelta | None) -> float | None:
    return None if length is None else length.total_seconds()
