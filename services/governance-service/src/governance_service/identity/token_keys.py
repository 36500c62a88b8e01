"""The keys that sign access tokens: replaced in time, published, taken up by this process too."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, Final

from governance_service.clock import Clock
from governance_service.keys import KeyFolder, KeyRing, KeysError, Rotation, SigningKey
from governance_service.repeating import repeated
from maestro_core_logging import get_logger

from .config import IdentitySettings

_logger = get_logger(__name__)
_LOOKS_EVERY: Final = timedelta(seconds=10)
_LEEWAY: Final = timedelta(minutes=2)
"""How far clocks may differ: a key is published for so long after its last token has ended."""


class TokenKeys:
    """Keys in a folder that the service's instances share.

    Args:
        config: How long a key signs.
        clock: Gives the present.
        changed: Told the published keys whenever they are others than before.
    """

    def __init__(self, config: IdentitySettings, *, clock: Clock, changed: Callable[[dict[str, Any]], None]) -> None:
        self._folder = KeyFolder(config.identity_keys)
        self._clock = clock
        self._changed = changed
        self._rotation = Rotation(
            every=timedelta(seconds=config.token_key_lifetime_s),
            announced=timedelta(seconds=config.token_key_announced_s),
            believed=config.access_token_lifetime + _LEEWAY,
        )
        self._ring = KeyRing([], self._rotation)
        self._published: dict[str, Any] = {"keys": []}

    def signing(self) -> SigningKey:
        """Return the key that signs now.

        Raises:
            NoSigningKeyError: There is none.
        """
        return self._ring.signing(self._clock())

    def jwks(self) -> dict[str, Any]:
        """Return the keys that are published now."""
        return self._ring.jwks(self._clock())

    def take_up(self) -> None:
        """Read the folder, make the next key when it is time, delete what is over. Blocks.

        Raises:
            KeysError: The folder cannot be used.
        """
        now = self._clock()
        with self._folder.locked():
            ring = KeyRing(self._folder.load(), self._rotation)
            made = ring.next_key(now)
            if made is not None:
                self._folder.keep(made)
                ring = KeyRing([*ring.keys, made], self._rotation)
            self._folder.forget(ring.over(now))
            # While nobody else may change the folder: what has been replaced meanwhile must not sign again.
            self._ring = ring

    def replace_all(self) -> None:
        """Make a key that signs from now on, and delete all others: whatever they signed is refused. Blocks.

        Raises:
            KeysError: The folder cannot be used.
        """
        with self._folder.locked():
            old = self._folder.load()
            made = SigningKey.generated(self._clock())
            self._folder.keep(made)
            self._folder.forget(old)
            self._ring = KeyRing([made], self._rotation)

    def tell(self) -> None:
        """Tell the published keys when they have changed."""
        published = self.jwks()
        if published != self._published:
            self._published = published
            self._changed(published)

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """Keep the keys while the block runs.

        Raises:
            KeysError: The folder cannot be used at the beginning.
        """
        await asyncio.to_thread(self.take_up)
        self.tell()
        async with repeated(self._try, every=_LOOKS_EVERY, name="token-keys", at_once=False):
            yield

    async def _try(self) -> None:
        try:
            await asyncio.to_thread(self.take_up)
            self.tell()
        except KeysError as error:
            # Those in memory go on signing.
            _logger.error("The folder of token keys cannot be used", reason=str(error), error_code=error.code)
