"""`call: asyncapi`: publishing a message, and taking messages of a subscription one by one."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from maestro_workflow_engine.dsl._expressions import Expression, ExpressionError
from maestro_workflow_engine.dsl._jq import JqError, compile_program
from maestro_workflow_engine.dsl.calls import _asyncapi_http, _asyncapi_nats, _asyncapi_ws
from maestro_workflow_engine.dsl.calls._asyncapi_document import Target, find_target
from maestro_workflow_engine.dsl.calls._asyncapi_transport import Subscription, Transport
from maestro_workflow_engine.dsl.calls._authorization import credentials
from maestro_workflow_engine.dsl.calls._call import CallFault
from maestro_workflow_engine.dsl.calls._context import CallContext

_IDLE_S = 3600.0
"""A subscription that nobody takes from for so long is closed: its run has gone elsewhere, or away."""

_TRANSPORTS: Mapping[str, Transport] = {
    "http": _asyncapi_http,
    "https": _asyncapi_http,
    "nats": _asyncapi_nats,
    "ws": _asyncapi_ws,
    "wss": _asyncapi_ws,
}


async def perform(arguments: dict[str, Any], context: CallContext) -> Any:
    """Publish, or take the next message; see `Perform`.

    A published message has no output. Taking gives the message, or None when the time was up first.
    """
    if arguments.get("message") is not None:
        target = await find_target(arguments, context)
        shown = await credentials(arguments.get("authentication"), context)
        await _transport(target).publish(target, arguments["message"], shown, context)
        return None
    return await _take(arguments, context)


def _transport(target: Target) -> Transport:
    transport = _TRANSPORTS.get(target.protocol)
    if transport is None:
        known = ", ".join(_TRANSPORTS)
        raise CallFault("configuration", f"the protocol {target.protocol!r} is not supported here; there are {known}")
    return transport


class _Open:
    """A subscription that is kept between one message and the next."""

    def __init__(self, key: str, subscription: Subscription, open_ones: dict[str, Any]) -> None:
        self._key, self._open_ones = key, open_ones
        self.subscription = subscription
        self._idle: asyncio.TimerHandle | None = None
        self._closing: asyncio.Task[None] | None = None
        open_ones[key] = self

    def rest(self) -> None:
        """Begin to count the time in which nobody takes anything."""
        loop = asyncio.get_running_loop()
        self._idle = loop.call_later(_IDLE_S, lambda: setattr(self, "_closing", loop.create_task(self.close())))

    def wake(self) -> None:
        """Stop to count."""
        if self._idle is not None:
            self._idle.cancel()

    async def close(self) -> None:
        """Close it and forget it."""
        self.wake()
        self._open_ones.pop(self._key, None)
        await self.subscription.close()


async def _take(arguments: Mapping[str, Any], context: CallContext) -> Any:
    taking = arguments["take"]
    key, open_ones = str(taking["key"]), context.shared.subscriptions
    known: _Open | None = open_ones.get(key)
    if taking.get("close"):
        if known is not None:
            await known.close()
        return None
    if known is None:
        target = await find_target(arguments, context)
        shown = await credentials(arguments.get("authentication"), context)
        known = _Open(key, await _transport(target).subscribe(target, shown, context), open_ones)
    known.wake()
    try:
        found = await _next(known.subscription, taking)
    except BaseException:
        await known.close()
        raise
    if found is None or taking.get("last"):
        await known.close()
    else:
        known.rest()
    return found


async def _next(subscription: Subscription, taking: Mapping[str, Any]) -> Any:
    """Return the next message that the filter lets through; None when the time is up first."""
    keeps = _filter(taking.get("filter"), taking.get("variables") or {})
    try:
        async with asyncio.timeout(taking.get("within_s")) as limit:
            while True:
                message = await subscription.receive()
                if keeps(message):
                    return message
    except TimeoutError:
        if limit.expired():
            return None
        raise


def _filter(text: str | None, variables: Mapping[str, Any]) -> Any:
    if text is None:
        return lambda _message: True
    try:
        expression = Expression(text, compile_program(text, tuple(sorted(variables))))
    except JqError as error:
        raise CallFault("expression", str(error)) from None

    def keeps(message: Any) -> bool:
        try:
            value = expression.evaluate(message, variables)
        except ExpressionError as error:
            raise CallFault("expression", str(error)) from None
        return value is not None and value is not False

    return keeps
