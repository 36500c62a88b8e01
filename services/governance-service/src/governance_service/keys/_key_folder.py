"""Keys as files that only the service's user may read. Several processes may share a folder."""

import fcntl
import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final

from ._errors import KeyFolderError
from ._signing_key import SigningKey, b64url, unb64url

_SUFFIX: Final = ".key.json"


class KeyFolder:
    """A folder of keys. The database never holds one: whoever can write to it must not be able to sign.

    Args:
        path: The folder; it is made when it is not there.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self) -> list[SigningKey]:
        """Read all keys.

        Returns:
            The keys, in no order.

        Raises:
            KeyFolderError: The folder or a file in it cannot be used.
        """
        return [self._read(file) for file in sorted(self._path.glob(f"*{_SUFFIX}"))]

    def keep(self, key: SigningKey) -> None:
        """Write a key.

        Args:
            key: The key.

        Raises:
            KeyFolderError: It cannot be written.
        """
        content = {"kid": key.key_id, "activates_at": key.activates_at.isoformat(), "d": b64url(key.secret())}
        self._write(self._path / f"{key.key_id}{_SUFFIX}", json.dumps(content).encode())

    def forget(self, keys: Sequence[SigningKey]) -> None:
        """Delete keys.

        Args:
            keys: Which ones.
        """
        for key in keys:
            (self._path / f"{key.key_id}{_SUFFIX}").unlink(missing_ok=True)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from changing the folder while the block runs.

        Raises:
            KeyFolderError: The folder cannot be made or written.
        """
        try:
            self._path.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(self._path / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise KeyFolderError(self._path, str(error.strerror)) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _read(self, file: Path) -> SigningKey:
        try:
            content = json.loads(file.read_bytes())
            key = SigningKey.restored(unb64url(content["d"]), datetime.fromisoformat(content["activates_at"]))
            if key.activates_at.tzinfo is None or content["kid"] != key.key_id:
                raise ValueError("its parts do not belong together")
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise KeyFolderError(file, f"it is damaged ({error}); restore it from a copy") from error
        return key

    def _write(self, file: Path, content: bytes) -> None:
        try:
            self._path.mkdir(parents=True, exist_ok=True, mode=0o700)
            # mkstemp makes it readable by its owner alone.
            descriptor, name = tempfile.mkstemp(dir=self._path, prefix=".new.")
            with os.fdopen(descriptor, "wb") as out:
                out.write(content)
                out.flush()
                os.fsync(out.fileno())
            Path(name).replace(file)
        except OSError as error:
            raise KeyFolderError(file, str(error.strerror)) from error
