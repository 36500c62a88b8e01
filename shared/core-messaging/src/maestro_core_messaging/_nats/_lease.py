"""Which instance is at work for an ordered consumer: a key on the server that goes away unless it is renewed."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final
from uuid import uuid4

from nats.js.errors import APIError, KeyValueError, KeyWrongLastSequenceError
from nats.js.kv import KeyValue

from maestro_core_messaging._nats._connection import Connection
from maestro_core_messaging._nats._failures import NETWORK, explained
from maestro_core_messaging._nats._streams import LEASES

LEASE_S: Final = 10.0
_TRY_S: Final = 0.5


class Lease:
    """The right to be at work, held by one instance at most.

    Args:
        connection: To the server.
        name: Of the consumer.
    """

    def __init__(self, connection: Connection, name: str) -> None:
        self._connection = connection
        self._name = name
        self._holder = uuid4().hex.encode()

    @asynccontextmanager
    async def held(self, stopping: asyncio.Event) -> AsyncIterator[asyncio.Event | None]:
        """Wait until it is ours, and keep it until the block ends.

        Args:
            stopping: Ends the waiting.

        Yields:
            Set when it may be somebody else's; None when stopping came first.
        """
        with explained(self._connection.server, f"waiting to work as {self._name}"):
            keys = await self._connection.broker.key_value(LEASES, ttl=LEASE_S)
            revision, since = await self._obtain(keys, stopping)
        if revision is None:
            yield None
            return
        lost = asyncio.Event()
        self._revision = revision
        renewing = asyncio.create_task(self._renew(keys, since, lost))
        try:
            yield lost
        finally:
            renewing.cancel()
            await asyncio.gather(renewing, return_exceptions=True)
            if not lost.is_set():
                with suppress(*NETWORK):
                    await keys.delete(self._name, last=self._revision)

    async def _obtain(self, keys: KeyValue, stopping: asyncio.Event) -> tuple[int | None, float]:
        while not stopping.is_set():
            asked = time.monotonic()
            try:
                return await keys.create(self._name, self._holder), asked
            except (KeyWrongLastSequenceError, KeyValueError):
                with suppress(TimeoutError):
                    async with asyncio.timeout(_TRY_S):
                        await stopping.wait()
        return None, 0.0

    async def _renew(self, keys: KeyValue, since: float, lost: asyncio.Event) -> None:
        while not lost.is_set():
            await asyncio.sleep(LEASE_S / 5)
            asked = time.monotonic()
            try:
                self._revision = await keys.update(self._name, self._holder, last=self._revision)
                since = asked
            except (KeyWrongLastSequenceError, APIError):
                lost.set()
            except NETWORK:
                if time.monotonic() - since > LEASE_S:
                    lost.set()
