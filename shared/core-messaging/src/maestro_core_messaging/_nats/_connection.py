"""One connection to the server, held by FastStream, that comes back by itself."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final, NoReturn, cast

from faststream.nats import NatsBroker
from faststream.nats.security import NatsCredentials
from nats.aio.client import Client
from nats.js import JetStreamContext

from maestro_core_logging import get_logger
from maestro_core_messaging._errors import BrokerUnavailableError, MessagingError
from maestro_core_messaging._nats._failures import NETWORK, explained, shown, unreachable
from maestro_core_messaging._nats._streams import ensure_streams, expect_streams
from maestro_core_messaging._settings import MessagingSettings
from maestro_core_messaging._transport import Streams

_RECONNECT_S: Final = 0.25
_PING_S: Final = 5
_RETRY_S: Final = 0.25
_logger = get_logger(__name__)


class Connection:
    """The connection, and what the client says about it.

    Attributes:
        server: Address of the server, without credentials.
        broker: FastStream's broker.
    """

    def __init__(self, settings: MessagingSettings, service_name: str) -> None:
        self.server = shown(settings.messaging_server)
        self.last_error: BaseException | None = None
        self._closing = False
        self._gone = asyncio.Event()
        credentials = settings.messaging_credentials
        self.broker = NatsBroker(
            [url.strip() for url in settings.messaging_server.split(",")],
            name=service_name,
            security=None if credentials is None else NatsCredentials(str(credentials)),
            allow_reconnect=True,
            max_reconnect_attempts=-1,
            reconnect_time_wait=_RECONNECT_S,  # type: ignore[arg-type]  # the client takes fractions of a second
            ping_interval=_PING_S,
            error_cb=self._on_error,
            disconnected_cb=self._on_disconnect,
            reconnected_cb=self._on_reconnect,
            closed_cb=self._on_closed,
            logger=None,
            apply_types=False,
        )

    @property
    def client(self) -> Client:
        """The client of NATS below FastStream."""
        return cast("Client", self.broker.config.connection_state.connection)

    @property
    def jetstream(self) -> JetStreamContext:
        """The streams, by the client of NATS below FastStream."""
        return cast("JetStreamContext", self.broker.config.connection_state.stream)

    @classmethod
    @asynccontextmanager
    async def opened(
        cls, settings: MessagingSettings, service_name: str, streams: Streams = "make"
    ) -> AsyncIterator["Connection"]:
        """Connect and make the streams or see that they are there, within `messaging_connect_timeout_s`."""
        connection = cls(settings, service_name)
        try:
            await connection._connect(settings, streams)
            yield connection
        finally:
            await connection._disconnect()

    @property
    def is_gone(self) -> bool:
        """Whether it is closed and does not come back: the client gives up after most errors that the server tells."""
        return self._gone.is_set()

    async def lost(self) -> NoReturn:
        """Wait until it is gone for good, and raise `BrokerUnavailableError`."""
        await self._gone.wait()
        raise BrokerUnavailableError(
            f"the connection to the server {self.server} was closed for good ({self.last_error or 'no reason given'}); "
            "open another broker",
            server=self.server,
        )

    async def _connect(self, settings: MessagingSettings, streams: Streams) -> None:
        doing = "connecting"
        try:
            async with asyncio.timeout(settings.messaging_connect_timeout_s):
                with explained(self.server, doing):
                    await self.broker.connect()
                while True:
                    try:
                        with explained(self.server, "making the streams"):
                            if streams == "make":
                                await ensure_streams(self.jetstream, settings)
                            else:
                                await expect_streams(self.jetstream, self.server)
                        return
                    except BrokerUnavailableError as error:
                        # A server that has just started, or a cluster without a leader yet, has no JetStream for a moment.
                        self.last_error = error
                        await asyncio.sleep(_RETRY_S)
        except TimeoutError as error:
            if isinstance(self.last_error, MessagingError):
                raise self.last_error from None
            raise unreachable(self.server, doing, self.last_error or error) from None

    async def _disconnect(self) -> None:
        self._closing = True
        try:
            async with asyncio.timeout(_PING_S):
                await self.broker.stop()
        except NETWORK:
            # Without a server there is nobody to take leave of.
            if self.broker.config.connection_state:
                await self.client.close()

    async def _on_error(self, error: Exception) -> None:
        self.last_error = error

    async def _on_disconnect(self) -> None:
        if not self._closing:
            _logger.warning("The connection to the event server is lost", server=self.server)

    async def _on_reconnect(self) -> None:
        _logger.info("The connection to the event server is back", server=self.server)

    async def _on_closed(self) -> None:
        if not self._closing:
            self.last_error = self.client.last_error or self.last_error
            self._gone.set()
            _logger.error(
                "The connection to the event server is closed for good", server=self.server, error=str(self.last_error)
            )
