"""The options of `run` that say how a run is started."""

import functools
import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Final, TypeVar

import rich_click as click

from maestro_cli._errors import InputError
from maestro_cli._moments import ClockTime, Length, time_text

R = TypeVar("R")


_CONFLICTS: Final = ("use_existing", "fail", "cancel_existing", "terminate_existing")
_REUSES: Final = ("use_existing", "fail", "start_anew", "start_anew_if_failed")
_POLICIES: Final = ("use_existing", "fail", "cancel_existing", "wait")
_OPTIONS: Final = (
    click.option(
        "--attribute",
        "-a",
        "attributes",
        multiple=True,
        metavar="NAME=VALUE",
        help="A search attribute: number, true, false, a time or text; several of one name make a list.",
    ),
    click.option("--queue", metavar="QUEUE", help="The queue it waits in."),
    click.option("--priority", type=click.IntRange(0, 9), help="Its place in the queue, 0 first. Default: 5."),
    click.option("--tenant", metavar="NAME", help="For whom it runs; tenants of a queue take turns."),
    click.option("--delay", type=Length(), help="How long it waits before it begins: 30s, 15m, 2h."),
    click.option(
        "--at", "start_at", type=ClockTime(), help="When it begins: 2026-05-04T13:00, local unless it has a zone."
    ),
    click.option("--debounce", metavar="KEY", help="Starts of this key that follow one another become one run."),
    click.option("--debounce-wait", type=Length(), help="It begins once there was no further start for this long."),
    click.option("--debounce-limit", type=Length(), help="It begins this long after the first start at the latest."),
    click.option("--singleton", metavar="KEY", help="One run of this key at a time."),
    click.option("--singleton-policy", type=click.Choice(_POLICIES), help="What happens when there is one."),
    click.option(
        "--if-running", type=click.Choice(_CONFLICTS), help="What happens when the run of --id has not ended."
    ),
    click.option("--if-ended", type=click.Choice(_REUSES), help="What happens when the run of --id has ended."),
)


def start_options(command: Callable[..., R]) -> Callable[..., R]:
    """Give a command the options that say how a run is started; it gets them as `options`, as the orchestrator takes them."""

    @functools.wraps(command)
    def wrapped(**given: Any) -> R:
        options = _options({name: given.pop(name) for name in _NAMES})
        return command(options=options, **given)

    for option in reversed(_OPTIONS):
        wrapped = option(wrapped)
    return wrapped


_NAMES: Final = (
    "attributes",
    "queue",
    "priority",
    "tenant",
    "delay",
    "start_at",
    "debounce",
    "debounce_wait",
    "debounce_limit",
    "singleton",
    "singleton_policy",
    "if_running",
    "if_ended",
)


def _options(given: Mapping[str, Any]) -> dict[str, Any]:
    debounce, singleton = given["debounce"], given["singleton"]
    if debounce is not None and given["debounce_wait"] is None:
        raise InputError("--debounce does not say how long", hint="Give --debounce-wait as well.")
    if debounce is None and (given["debounce_wait"] or given["debounce_limit"]) is not None:
        raise InputError("--debounce-wait and --debounce-limit go with --debounce", hint="Give the key as well.")
    if singleton is None and given["singleton_policy"] is not None:
        raise InputError("--singleton-policy goes with --singleton", hint="Give the key as well.")
    found = {
        "attributes": read_attributes(given["attributes"]) or None,
        "queue": given["queue"],
        "priority": given["priority"],
        "tenant": given["tenant"],
        "delay_s": _seconds(given["delay"]),
        "start_at": None if given["start_at"] is None else given["start_at"].isoformat(),
        "debounce": None
        if debounce is None
        else _present(
            key=debounce, wait_s=_seconds(given["debounce_wait"]), max_wait_s=_seconds(given["debounce_limit"])
        ),
        "singleton": None if singleton is None else _present(key=singleton, policy=given["singleton_policy"]),
        "if_running": given["if_running"],
        "if_ended": given["if_ended"],
    }
    return _present(**found)


def _present(**members: Any) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


def _seconds(length: timedelta | None) -> float | None:
    return None if length is None else length.total_seconds()


def read_attributes(texts: tuple[str, ...]) -> dict[str, Any]:
    """Read search attributes.

    Args:
        texts: For example "customer=acme".

    Returns:
        Their values, as the orchestrator takes them.

    Raises:
        InputError: One has no name.
    """
    found: dict[str, Any] = {}
    several: dict[str, list[str]] = {}
    for text in texts:
        name, sign, value = text.partition("=")
        if not sign or not name:
            raise InputError(f"--attribute {text} has no name", hint="Write it as NAME=VALUE.")
        several.setdefault(name, []).append(value)
        found[name] = _value(value)
    return {name: several[name] if len(several[name]) > 1 else value for name, value in found.items()}


def _value(text: str) -> Any:
    moment = time_text(text)
    if moment is not None:
        return {"time": moment}
    try:
        read = json.loads(text, parse_constant=str)
    except ValueError:
        return text
    return read if isinstance(read, bool | int | float | str) else text
