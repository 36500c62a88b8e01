"""AsyncAPI over NATS: a channel is a subject."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nats.aio.client import Client
from nats.aio.subscription import Subscription as NatsSubscription
from nats.errors import Error as NatsError

from maestro_workflow_engine.dsl.calls._asyncapi_document import Target
from maestro_workflow_engine.dsl.calls._asyncapi_messages import inbound, outbound
from maestro_workflow_engine.dsl.calls._authorization import Credentials
from maestro_workflow_engine.dsl.calls._call import CallFault
from maestro_workflow_engine.dsl.calls._context import CallContext

_CONNECT_S = 10
_TROUBLE = (NatsError, OSError, TimeoutError)


async def publish(target: Target, message: Mapping[str, Any], shown: Credentials | None, _context: CallContext) -> None:
    """Publish; see `Transport.publish`."""
    headers, content = outbound(message, target)
    client = await _connected(target, shown)
    try:
        await client.publish(target.address, content, headers=headers or None)
        await client.flush(_CONNECT_S)
    except _TROUBLE as error:
        raise _fault(target, error) from None
    finally:
        await client.close()


async def subscribe(target: Target, shown: Credentials | None, _context: CallContext) -> Messages:
    """Subscribe; see `Transport.subscribe`."""
    client = await _connected(target, shown)
    try:
        subscription = await client.subscribe(target.address)
        await client.flush(_CONNECT_S)
    except _TROUBLE as error:
        await client.close()
        raise _fault(target, error) from None
    return Messages(target, client, subscription)


class Messages:
    """Messages of a subject; the client keeps those that nobody has taken yet."""

    def __init__(self, target: Target, client: Client, subscription: NatsSubscription) -> None:
        self._target, self._client, self._subscription = target, client, subscription

    async def receive(self) -> dict[str, Any]:
        """Wait for the next message; see `Subscription.receive`."""
        try:
            message = await self._subscription.next_msg(timeout=None)
        except _TROUBLE as error:
            raise _fault(self._target, error) from None
        return inbound(message.data, message.headers or {}, self._target)

    async def close(self) -> None:
        """End the subscription."""
        await self._client.close()


async def _connected(target: Target, shown: Credentials | None) -> Client:
    login: dict[str, Any] = {}
    if shown is not None and shown.scheme == "Basic":
        login = {"user": shown.username, "password": shown.password}
    elif shown is not None and shown.scheme == "Bearer":
        login = {"token": shown.parameter}
    elif shown is not None:
        raise CallFault("configuration", "digest authentication is for HTTP; NATS takes basic or bearer")
    client = Client()
    try:
        await client.connect(
            target.url, connect_timeout=_CONNECT_S, allow_reconnect=False, error_cb=_quiet, name="maestro", **login
        )
    except _TROUBLE as error:
        await client.close()  # what was refused leaves its connection open
        raise _fault(target, error) from None
    return client


async def _quiet(_error: Exception) -> None:
    """Leave errors to whoever waits: the client would print them."""


def _fault(target: Target, error: Exception) -> CallFault:
    told = str(error).removeprefix("nats: ").strip("'\"") or type(error).__name__
    is_refused = "authorization" in told.lower()
    return CallFault(
        "authentication" if is_refused else "communication", f"NATS at {target.url}, {target.address!r}: {told}"
    )
