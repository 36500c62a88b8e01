"""AsyncAPI over WebSocket: a channel is a path; every frame is a message, and none has headers of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from maestro_workflow_engine.dsl.calls._asyncapi_document import Target
from maestro_workflow_engine.dsl.calls._asyncapi_messages import inbound, outbound
from maestro_workflow_engine.dsl.calls._authorization import Credentials
from maestro_workflow_engine.dsl.calls._call import CallFault
from maestro_workflow_engine.dsl.calls._context import CallContext

_TROUBLE = (WebSocketException, OSError, TimeoutError)


async def publish(target: Target, message: Mapping[str, Any], shown: Credentials | None, _context: CallContext) -> None:
    """Send a frame; see `Transport.publish`. The message's headers become those of the handshake."""
    headers, content = outbound(message, target)
    connection = await _connected(target, shown, headers)
    try:
        await connection.send(content.decode("utf-8", "replace"), text=True)
    except _TROUBLE as error:
        raise _fault(target, error) from None
    finally:
        await connection.close()


async def subscribe(target: Target, shown: Credentials | None, _context: CallContext) -> Messages:
    """Connect; see `Transport.subscribe`."""
    return Messages(target, await _connected(target, shown, {}))


class Messages:
    """Frames of a connection; the connection holds back what nobody has taken yet."""

    def __init__(self, target: Target, connection: ClientConnection) -> None:
        self._target, self._connection = target, connection

    async def receive(self) -> dict[str, Any]:
        """Wait for the next frame; see `Subscription.receive`."""
        try:
            frame = await self._connection.recv()
        except ConnectionClosed as error:
            raise _fault(self._target, error) from None
        return inbound(frame.encode() if isinstance(frame, str) else bytes(frame), {}, self._target)

    async def close(self) -> None:
        """Close the connection."""
        await self._connection.close()


async def _connected(target: Target, shown: Credentials | None, headers: Mapping[str, str]) -> ClientConnection:
    if shown is not None and shown.scheme == "Digest":
        raise CallFault("configuration", "digest authentication is for HTTP; a WebSocket takes basic or bearer")
    added = {**headers, **({} if shown is None else {"authorization": shown.header})}
    try:
        return await connect(f"{target.url.rstrip('/')}/{target.address.lstrip('/')}", additional_headers=added)
    except _TROUBLE as error:
        raise _fault(target, error) from None


def _fault(target: Target, error: Exception) -> CallFault:
    status = error.response.status_code if isinstance(error, InvalidStatus) else None
    return CallFault(
        "communication", f"{target.url}, {target.address!r}: {str(error) or type(error).__name__}", status=status
    )
