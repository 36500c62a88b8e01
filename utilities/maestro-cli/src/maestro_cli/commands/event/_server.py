"""Which event server a command talks to."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

import rich_click as click

from maestro_cli._errors import InputError, MaestroCliError

if TYPE_CHECKING:
    from maestro_core_messaging import Broker

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., object])
_CONNECT_S: Final = 5.0
_CREDENTIALS: Final = "maestro_cli.broker_credentials"


class EventServerError(MaestroCliError):
    """The event server cannot do what was asked for."""

    code = "EVENT_SERVER_FAILED"


def broker_option(command: F) -> F:
    """Give a command the options that say which event server is meant; it gets the address as `broker_url`."""
    credentials = click.option(
        "--broker-credentials",
        metavar="FILE",
        envvar="MAESTRO_MESSAGING_CREDENTIALS",
        show_envvar=True,
        type=click.Path(dir_okay=False, path_type=Path, exists=True),
        expose_value=False,
        callback=_remember,
        help="Credentials for the event server, a .creds file.",
    )
    option = click.option(
        "--broker",
        "broker_url",
        metavar="URL",
        envvar="MAESTRO_MESSAGING_URL",
        show_envvar=True,
        help="The event server, such as nats://127.0.0.1:4222.",
    )
    return option(credentials(command))


def _remember(ctx: click.Context, _parameter: click.Parameter, value: Path | None) -> None:
    ctx.meta[_CREDENTIALS] = value


def with_broker(url: str | None, work: Callable[[Broker], Awaitable[T]]) -> T:
    """Do something with the event server; its streams are there already, or there is nothing to do.

    Args:
        url: Its address.
        work: What to do.

    Returns:
        What it returned.

    Raises:
        InputError: There is no address, or it is none.
        EventServerError: The server is away, or what was asked for is not there.
    """
    if url is None:
        raise InputError(
            "which event server?", hint="Set MAESTRO_MESSAGING_URL, as services have it, or give --broker."
        )
    if url.startswith("memory:"):
        raise InputError(
            "events of memory:// stay within one process",
            hint="Set MAESTRO_MESSAGING_URL to the address of a NATS server.",
        )
    from pydantic import ValidationError  # noqa: PLC0415  commands of other groups do without

    from maestro_core_messaging import Broker, MessagingError, MessagingSettings  # noqa: PLC0415  as above

    context = click.get_current_context()
    try:
        settings = MessagingSettings(
            messaging_url=url,
            messaging_credentials=None if context is None else context.meta.get(_CREDENTIALS),
            messaging_connect_timeout_s=_CONNECT_S,
        )
    except ValidationError:
        # Neither shows the address, which may have a password in it.
        raise InputError(
            "what was given is no address of an event server", hint="One looks like nats://127.0.0.1:4222."
        ) from None

    async def run() -> T:
        async with Broker.opened(settings, service_name="maestro-cli", streams="expect") as broker:
            return await work(broker)

    try:
        return asyncio.run(run())
    except MessagingError as error:
        raise EventServerError(str(error)) from error
