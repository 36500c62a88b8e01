"""Where API keys are kept."""

import asyncio
import os
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from pydantic import TypeAdapter

from ._api_keys import APIKey
from ._errors import CoreAPIError


class KeyStore(Protocol):
    """What the framework asks of a store of API keys; a service passes its own."""

    async def find(self, key_id: str) -> APIKey | None:
        """Return what is kept of a key.

        Args:
            key_id: Id of the key, as it was sent: sixteen letters and digits.

        Returns:
            The key, whether it is still valid or not; None when there is none.
        """
        ...


class KeyFileError(CoreAPIError):
    """A file of API keys cannot be read."""

    code = "KEY_FILE_UNREADABLE"


class MemoryKeyStore:
    """API keys in memory, for tests and for keys that come from elsewhere at the start.

    Args:
        keys: The first ones.
    """

    def __init__(self, keys: Sequence[APIKey] = ()) -> None:
        self._keys = {key.key_id: key for key in keys}

    async def find(self, key_id: str) -> APIKey | None:
        """Return what is kept of a key, or None."""
        return self._keys.get(key_id)

    async def keys(self) -> list[APIKey]:
        """Return all keys, in the order in which they came."""
        return list(self._keys.values())

    async def add(self, key: APIKey) -> None:
        """Keep a key.

        Args:
            key: What `issue_api_key` returned.
        """
        self._keys[key.key_id] = key

    async def revoke(self, key_id: str) -> bool:
        """Take a key back.

        Args:
            key_id: Id of the key.

        Returns:
            True when there is such a key; it is revoked now, or was before.
        """
        key = self._keys.get(key_id)
        if key is None:
            return False
        if key.revoked_at is None:
            self._keys[key_id] = key.model_copy(update={"revoked_at": datetime.now(UTC)})
        return True


_FILE: TypeAdapter[list[APIKey]] = TypeAdapter(list[APIKey])


class FileKeyStore:
    """API keys in a JSON file, which several processes may share: each sees what another one wrote.

    The file holds hashes only. It is replaced as a whole, readable by its owner alone. One process at a time should write.

    Args:
        path: The file; it need not exist.
    """

    def __init__(self, path: Path | str) -> None:
        self._path = Path(path)
        self._version: tuple[int, int, int] | None = None
        self._known = MemoryKeyStore()
        self._writing = asyncio.Lock()

    async def find(self, key_id: str) -> APIKey | None:
        """Return what is kept of a key, or None.

        Raises:
            KeyFileError: The file cannot be read.
        """
        return await self._read().find(key_id)

    async def keys(self) -> list[APIKey]:
        """Return all keys, in the order in which they came.

        Raises:
            KeyFileError: The file cannot be read.
        """
        return await self._read().keys()

    async def add(self, key: APIKey) -> None:
        """Keep a key.

        Args:
            key: What `issue_api_key` returned.

        Raises:
            KeyFileError: The file cannot be read.
        """
        async with self._writing:
            store = self._read()
            await store.add(key)
            await asyncio.to_thread(self._write, await store.keys())

    async def revoke(self, key_id: str) -> bool:
        """Take a key back.

        Args:
            key_id: Id of the key.

        Returns:
            True when there is such a key.

        Raises:
            KeyFileError: The file cannot be read.
        """
        async with self._writing:
            store = self._read()
            found = await store.revoke(key_id)
            if found:
                await asyncio.to_thread(self._write, await store.keys())
        return found

    def _read(self) -> MemoryKeyStore:
        try:
            status = self._path.stat()
        except FileNotFoundError:
            self._version, self._known = None, MemoryKeyStore()
            return self._known
        version = (status.st_mtime_ns, status.st_size, status.st_ino)
        if version != self._version:
            try:
                self._known = MemoryKeyStore(_FILE.validate_json(self._path.read_bytes()))
            except (OSError, ValueError) as error:
                raise KeyFileError(
                    f"the API keys in {self._path} cannot be read: it must be a JSON list of keys"
                ) from error
            self._version = version
        return self._known

    def _write(self, keys: Sequence[APIKey]) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        # mkstemp makes it readable by its owner alone.
        descriptor, name = tempfile.mkstemp(dir=self._path.parent, prefix=f".{self._path.name}.")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(_FILE.dump_json(list(keys), indent=2))
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(self._path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
