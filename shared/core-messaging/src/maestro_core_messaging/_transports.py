"""Which address means which transport."""

from contextlib import AbstractAsyncContextManager, nullcontext

from maestro_core_messaging._memory._server import MemoryServer
from maestro_core_messaging._memory._transport import MemoryTransport
from maestro_core_messaging._settings import MEMORY_URL, MessagingSettings
from maestro_core_messaging._transport import Streams, Transport


def opened_transport(
    settings: MessagingSettings, service_name: str, memory: MemoryServer | None, streams: Streams
) -> AbstractAsyncContextManager[Transport]:
    """Open the transport that the settings name.

    Args:
        settings: The address and how to connect.
        service_name: Under which the server shows the connection.
        memory: The server in this process to be used instead of the address.
        streams: Whether those that are not there are made.

    Returns:
        An async context manager.
    """
    if memory is not None or settings.messaging_server.startswith(MEMORY_URL.removesuffix("//")):
        return nullcontext(MemoryTransport(memory or MemoryServer()))
    # FastStream and the client of NATS are loaded by whoever talks to NATS.
    from maestro_core_messaging._nats._transport import NatsTransport  # noqa: PLC0415

    return NatsTransport.opened(settings, service_name, streams)
