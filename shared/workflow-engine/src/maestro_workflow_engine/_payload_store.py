"""Object storage for payloads that are too large for the journal: named by their content, checked when read."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, ObjectStore, S3Store

from maestro_workflow_engine._errors import WorkflowDefinitionError
from maestro_workflow_engine._payload_errors import PayloadStoreError

_TIMEOUT = timedelta(seconds=30)
_CONNECT_TIMEOUT = timedelta(seconds=5)
_TRIES = 3
_OBJECTS = "sha256"
_JOURNALS = "journals"


def digest(data: bytes) -> str:
    """Return the name of a stored payload: its SHA-256 in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


class PayloadStore:
    """A local folder or an S3 bucket that holds large payloads.

    Nothing is ever changed in it. Two runs may refer to one object; an engine deletes what no event of its journal refers to any more,
    unless another journal has left its mark in the store.

    Args:
        url: `file:///var/lib/payloads` or `s3://bucket/prefix`.
        options: Of an S3 store: `endpoint`, `region`, `access_key_id`, `secret_access_key`, `virtual_hosted_style_request`
            and the others that obstore's `S3Config` lists. What is not said comes from where AWS tools look for it.

    Raises:
        WorkflowDefinitionError: The URL or an option is none.
    """

    def __init__(self, url: str, *, options: Mapping[str, str] | None = None) -> None:
        self.url = url
        self._folder: Path | None = None
        parts = urlsplit(url)
        try:
            if parts.scheme == "file" and not parts.netloc and parts.path.startswith("/"):
                self._folder = Path(unquote(parts.path))
                self._store: ObjectStore = LocalStore(self._folder, mkdir=True)
            elif parts.scheme == "s3" and parts.netloc:
                self._store = _s3(url, dict(options or {}))
            else:
                raise WorkflowDefinitionError(
                    f"{url!r} names no payload store: use file:///path/folder or s3://bucket/prefix"
                )
        except (BaseError, OSError) as error:
            raise WorkflowDefinitionError(f"payload store {url!r} cannot be used: {error}") from error

    async def put(self, name: str, data: bytes) -> None:
        """Keep an object; returns once it is safe.

        Args:
            name: Its `digest`.
            data: Its content.

        Raises:
            PayloadStoreError: The store cannot be reached or refuses.
        """
        try:
            await obstore.put_async(self._store, _path(name), data)
            if self._folder is not None:
                await asyncio.to_thread(_sync, self._folder / _path(name))
        except (BaseError, OSError) as error:
            raise self._refused("written", error) from error

    async def get(self, name: str) -> bytes | None:
        """Return an object; None when it is not there.

        Raises:
            PayloadStoreError: The store cannot be reached or refuses.
        """
        try:
            found = await obstore.get_async(self._store, _path(name))
            return bytes(await found.bytes_async())
        except FileNotFoundError:
            return None
        except (BaseError, OSError) as error:
            raise self._refused("read", error) from error

    async def delete(self, name: str) -> None:
        """Delete an object; one that is not there is fine.

        Raises:
            PayloadStoreError: The store cannot be reached or refuses.
        """
        try:
            await obstore.delete_async(self._store, _path(name))
        except FileNotFoundError:
            return
        except (BaseError, OSError) as error:
            raise self._refused("written", error) from error

    async def mark(self, journal_id: str) -> None:
        """Let everybody know that a journal uses this store.

        Raises:
            PayloadStoreError: The store cannot be reached or refuses.
        """
        try:
            await obstore.put_async(self._store, f"{_JOURNALS}/{journal_id}", b"")
        except (BaseError, OSError) as error:
            raise self._refused("written", error) from error

    async def users_besides(self, journal_id: str) -> list[str]:
        """Return the ids of other journals that use this store.

        Raises:
            PayloadStoreError: The store cannot be reached or refuses.
        """
        return [name for name in await self._names(_JOURNALS) if name != journal_id]

    async def objects(self) -> list[str]:
        """Return the digest of every object there is.

        Raises:
            PayloadStoreError: The store cannot be reached or refuses.
        """
        return await self._names(_OBJECTS)

    async def _names(self, folder: str) -> list[str]:
        try:
            pages = obstore.list(self._store, prefix=folder)
            return [str(entry["path"]).rpartition("/")[2] async for page in pages for entry in page]
        except (BaseError, OSError) as error:
            raise self._refused("listed", error) from error

    def get_now(self, name: str) -> bytes | None:
        """Like `get`, for callers that cannot await; it holds the thread until the object is there."""
        try:
            return bytes(obstore.get(self._store, _path(name)).bytes())
        except FileNotFoundError:
            return None
        except (BaseError, OSError) as error:
            raise self._refused("read", error) from error

    def _refused(self, verb: str, error: Exception) -> PayloadStoreError:
        reason = str(error).partition("\n")[0]
        return PayloadStoreError(self.url, f"payload store {self.url} cannot be {verb}: {reason}")

    def __repr__(self) -> str:
        return f"PayloadStore({self.url!r})"


def _s3(url: str, options: dict[str, Any]) -> S3Store:
    if str(options.get("endpoint", "")).startswith("http://"):
        client = {"timeout": _TIMEOUT, "connect_timeout": _CONNECT_TIMEOUT, "allow_http": True}
    else:
        client = {"timeout": _TIMEOUT, "connect_timeout": _CONNECT_TIMEOUT}
    return S3Store.from_url(
        url,
        config=options,  # type: ignore[arg-type]  # obstore names each option; ours come by name
        client_options=client,  # type: ignore[arg-type]  # a TypedDict of literals
        retry_config={"max_retries": _TRIES, "retry_timeout": _TIMEOUT},
    )


def _path(name: str) -> str:
    return f"{_OBJECTS}/{name[:2]}/{name}"


def _sync(path: Path) -> None:
    """Bring a file and the folders that name it to the disk: the journal will refer to it."""
    for place in (path, path.parent, path.parent.parent, path.parent.parent.parent):
        handle = os.open(place, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
