"""The files of a gateway process: in a folder that only its user may enter, gone when it ends."""

import base64
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psutil
from pydantic import SecretStr

_PREFIX: Final = "maestro-gateway-"


@dataclass(frozen=True, slots=True)
class Workspace:
    """Where they are. Paths of sockets must be short, so that this is not below `data_dir`."""

    folder: Path

    @property
    def bootstrap(self) -> Path:
        """What Envoy is started with."""
        return self.folder / "envoy.json"

    @property
    def keys(self) -> Path:
        """The platform's own key, as a JSON Web Key Set."""
        return self.folder / "jwks.json"

    @property
    def limits(self) -> Path:
        """Socket of the one who counts."""
        return self.folder / "limits.sock"

    @property
    def admin(self) -> Path:
        """Socket of Envoy's administration."""
        return self.folder / "admin.sock"

    def write(self, path: Path, document: Any) -> None:
        """Write a document that only this user may read.

        Args:
            path: Where.
            document: Plain JSON.
        """
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as stream:
            json.dump(document, stream)

    @classmethod
    @contextmanager
    def opened(cls) -> "Iterator[Workspace]":
        """Make a folder for one block; take away those of processes that were killed."""
        _sweep(Path(tempfile.gettempdir()))
        with tempfile.TemporaryDirectory(prefix=f"{_PREFIX}{os.getpid()}-") as name:
            yield cls(Path(name))


def _sweep(folder: Path) -> None:
    for path in folder.glob(f"{_PREFIX}*"):
        pid = path.name.removeprefix(_PREFIX).partition("-")[0]
        with suppress(OSError):
            if pid.isdigit() and path.stat().st_uid == os.getuid() and not psutil.pid_exists(int(pid)):
                shutil.rmtree(path, ignore_errors=True)


def shared_key_set(secret: SecretStr) -> dict[str, Any]:
    """Return the platform's shared key the way Envoy reads keys.

    Args:
        secret: The key.

    Returns:
        A JSON Web Key Set with one symmetric key, for HS256 alone.
    """
    encoded = base64.urlsafe_b64encode(secret.get_secret_value().encode()).decode().rstrip("=")
    return {"keys": [{"kty": "oct", "alg": "HS256", "k": encoded}]}
