"""The secrets of one environment: the key that signs its tokens, and what its servers ask for."""

import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from maestro_cli._errors import HomeError

from ._atomic import write_atomically
from ._home import Home

SECRET_VARIABLE: Final = "MAESTRO_JWT_SECRET"  # noqa: S105 - a variable's name
SECRET_FILE_VARIABLE: Final = "MAESTRO_JWT_SECRET_FILE"  # noqa: S105 - a variable's name
_BYTES: Final = 48


def jwt_secret_file(home: Home) -> Path:
    """Tell where an environment's signing key lies unless the user keeps one elsewhere.

    Args:
        home: The environment's folder.

    Returns:
        The path, whether or not the file exists.
    """
    return home.secrets / "jwt_secret"


def ensure_jwt_secret(home: Home) -> None:
    """Make the key when there is none yet; its file is readable by its owner only.

    Args:
        home: The environment's folder, prepared, with its lock held.

    Raises:
        HomeError: It could not be written or read.
    """
    _ensure(jwt_secret_file(home))


def ensure_token(home: Home, name: str) -> str:
    """Return what proves to a server of the environment that a caller belongs to it; make it when there is none yet.

    Args:
        home: The environment's folder, prepared, with its lock held.
        name: The server.

    Raises:
        HomeError: It could not be written or read.
    """
    _ensure(token_file(home, name))
    return read_token(home, name) or ""


def read_token(home: Home, name: str) -> str | None:
    """Read what `ensure_token` has made.

    Args:
        home: The environment's folder.
        name: The server.

    Returns:
        The token, or None when there is none yet.

    Raises:
        HomeError: It cannot be read.
    """
    return _read(token_file(home, name))


def token_file(home: Home, name: str) -> Path:
    """Tell where the token of a server lies.

    Args:
        home: The environment's folder.
        name: The server.

    Returns:
        The path, whether or not the file exists.
    """
    return home.secrets / f"{name}_token"


def read_jwt_secret(home: Home, environ: Mapping[str, str]) -> str | None:
    """Read the key that the environment's services check tokens with.

    Args:
        home: The environment's folder.
        environ: The user's environment, whose key wins as it does in the services.

    Returns:
        The key, or None when there is none yet.

    Raises:
        HomeError: Its file cannot be read.
    """
    if secret := environ.get(SECRET_VARIABLE):
        return secret
    return _read(Path(environ.get(SECRET_FILE_VARIABLE) or jwt_secret_file(home)))


def _ensure(path: Path) -> None:
    if not path.exists():
        write_atomically(path, f"{secrets.token_urlsafe(_BYTES)}\n".encode(), mode=0o600)
    elif not os.access(path, os.R_OK):
        raise HomeError(path, "not readable")


def _read(path: Path) -> str | None:
    try:
        return path.read_text("utf-8").strip()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise HomeError(path, error.strerror or str(error)) from error
