"""Declarations in one small file, replaced as a whole: there are as many as services, and they change with releases."""

import asyncio
import errno
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter, ValidationError

from central_registry.domain import StorageCorruptError, StorageFullError, StorageUnavailableError
from maestro_core_api.gateway import Declaration

Declarations = dict[str, dict[str, Declaration]]
"""Service → version → what it wants of the gateway."""
_FORMAT: Final = 1
_CONTENT: Final = TypeAdapter(Declarations)


class DeclarationFile:
    """Keeps declarations over restarts: a registry that came back without them would close the gateway.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    async def load(self) -> Declarations:
        """Read what is kept.

        Returns:
            The declarations; none when there is no file.

        Raises:
            StorageError: The file cannot be read.
        """
        return await asyncio.to_thread(self._load)

    async def save(self, declarations: Mapping[str, Mapping[str, Declaration]]) -> None:
        """Replace what is kept. It is on disk when this returns.

        Args:
            declarations: All of them.

        Raises:
            StorageError: They cannot be kept; the file is as it was.
        """
        content = {
            service: {version: each.model_dump(mode="json") for version, each in versions.items()}
            for service, versions in declarations.items()
        }
        document = json.dumps({"format": _FORMAT, "declarations": content}).encode()
        await asyncio.to_thread(self._replace, document)

    def _load(self) -> Declarations:
        try:
            document = json.loads(self._path.read_bytes())
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise StorageUnavailableError(self._path, f"it cannot be read ({error.strerror})") from error
        except ValueError as error:
            raise StorageCorruptError(self._path, f"it is not JSON ({error})") from error
        if not isinstance(document, dict) or document.get("format") != _FORMAT:
            raise StorageCorruptError(self._path, f"it is not of format {_FORMAT}, which this registry knows")
        try:
            return _CONTENT.validate_python(document.get("declarations"))
        except ValidationError as error:
            raise StorageCorruptError(self._path, f"a declaration in it cannot be read ({error})") from error

    def _replace(self, document: bytes) -> None:
        temporary: Path | None = None
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            descriptor, name = tempfile.mkstemp(prefix=f".{self._path.name}.", dir=self._path.parent)
            temporary = Path(name)
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(document)
                stream.flush()
                os.fsync(stream.fileno())
            temporary.replace(self._path)
            folder = os.open(self._path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)  # the new name, too, is to be there after a power cut
            finally:
                os.close(folder)
        except OSError as error:
            if temporary is not None:
                temporary.unlink(missing_ok=True)
            failure = StorageFullError if error.errno in {errno.ENOSPC, errno.EDQUOT} else StorageUnavailableError
            raise failure(self._path, f"it cannot be written ({error.strerror})") from error
