"""Which instance is at work for an ordered consumer: a key on the server that goes away unless it is renewed."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final
from uuid import uuid4

from nats.js.errors import KeyNotFoundError, KeyValueError, KeyWrongLastSequenceError
from nats.js.kv import KeyValue

from maestro_core_messaging._nats._connection import Connection
from maestro_core_messaging._nats._failures import NETWORK, explained
from maestro_core_messaging._nats._streams import LEASE_S, LEASES

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
        self._revision = 0
        self._until = 0.0
        self._lost = asyncio.Event()

    def is_ours(self) -> bool:
        """Tell whether nobody else can have it now; unlike the renewals this does not depend on anything being in time."""
        return not self._lost.is_set() and time.monotonic() < self._until

    @asynccontextmanager
    async def held(self, stopping: asyncio.Event) -> AsyncIterator[bool]:
        """Wait until it is ours, and keep it until the block ends.

        Args:
            stopping: Ends the waiting.

        Yields:
            Whether it is ours, until `is_ours` says otherwise; False when stopping came first.
        """
        with explained(self._connection.server, f"waiting to work as {self._name}"):
            keys = await self._connection.jetstream.key_value(LEASES)
            revision, since = await self._obtain(keys, stopping)
        if revision is None:
            yield False
            return
        self._revision, self._until = revision, since + LEASE_S
        renewing = asyncio.create_task(self._renew(keys))
        try:
            yield True
        finally:
            renewing.cancel()
            await asyncio.gather(renewing, return_exceptions=True)
            if not self._lost.is_set():
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

    async def _renew(self, keys: KeyValue) -> None:
        while not self._lost.is_set():
            await asyncio.sleep(LEASE_S / 5)
            asked = time.monotonic()
            try:
                async with asyncio.timeout(self._until - asked):
                    if await self._renewed(keys):
                        self._until = asked + LEASE_S
                    else:
                        self._lost.set()
            except NETWORK:
                # A server that is away, or just coming back, gives it to nobody else before its time is over.
                if time.monotonic() >= self._until:
                    self._lost.set()

    async def _renewed(self, keys: KeyValue) -> bool:
        try:
            self._revision = await keys.update(self._name, self._holder, last=self._revision)
        except KeyWrongLastSequenceError:
            try:
                entry = await keys.get(self._name)
            except KeyNotFoundError:
                return False
            if entry.value != self._holder or entry.revision is None:
                return False
            # It is ours: the answer to an earlier renewal was lost with a connection.
            self._revision = entry.revision
        return True
