"""Hashes of passwords: argon2id, in threads, a few at a time."""

import asyncio
from typing import Final

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from .config import IdentitySettings
from .domain import LONGEST, normalised

_NOBODYS: Final = "a password that nobody has"


class PasswordHashes:
    """Hashes passwords and compares them.

    Args:
        config: How dear a hash is.
    """

    def __init__(self, config: IdentitySettings) -> None:
        self._hasher = PasswordHasher(
            time_cost=config.password_hash_rounds,
            memory_cost=config.password_hash_memory_kib,
            parallelism=config.password_hash_threads,
            type=Type.ID,
        )
        # Each takes tens of megabytes: whoever sends passwords must not be able to take all memory.
        self._at_once = asyncio.Semaphore(config.password_hashes_at_once)
        self._nobodys = self._hasher.hash(_NOBODYS)

    async def hashed(self, password: str) -> str:
        """Return what is kept of a password.

        Args:
            password: The password.
        """
        async with self._at_once:
            return await asyncio.to_thread(self._hasher.hash, normalised(password))

    async def matches(self, kept: str | None, password: str) -> bool:
        """Tell whether a password is the one that is kept.

        Args:
            kept: What is kept; None for a user who is not there or has no password: that takes as long.
            password: The password that was sent.
        """
        async with self._at_once:
            same = await asyncio.to_thread(self._verified, kept or self._nobodys, normalised(password[: 2 * LONGEST]))
        return same and kept is not None

    def is_outdated(self, kept: str) -> bool:
        """Tell whether a hash was made with other parameters than new ones are.

        Args:
            kept: The hash.
        """
        return self._hasher.check_needs_rehash(kept)

    def _verified(self, kept: str, password: str) -> bool:
        try:
            return self._hasher.verify(kept, password)
        except (VerificationError, InvalidHashError):
            return False
