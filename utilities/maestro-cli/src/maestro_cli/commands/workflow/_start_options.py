"""The options of `run` that say how a run is started."""

import functools
import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import rich_click as click

from maestro_cli._errors import InputError
from maestro_cli._moments import time_text

R = TypeVar("R")


def start_options(command: Callable[..., R]) -> Callable[..., R]:
    """Give a command the options that say how a run is started; it gets them as `options`, as the orchestrator takes them."""

    @functools.wraps(command)
    def wrapped(attributes: tuple[str, ...], **rest: Any) -> R:
        return command(options=_options(attributes), **rest)

    return click.option(
        "--attribute",
        "-a",
        "attributes",
        multiple=True,
        metavar="NAME=VALUE",
        help="A search attribute: number, true, false, a time or text; several of one name make a list.",
    )(wrapped)


def _options(attributes: tuple[str, ...]) -> Mapping[str, Any]:
    return {"attributes": read_attributes(attributes)} if attributes else {}


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
