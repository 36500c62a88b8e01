"""The tokens of whoever has signed in, in a file that its owner alone may read."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Final

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from maestro_cli._errors import HomeError
from maestro_cli.local import Home
from maestro_cli.local._atomic import write_atomically

_SOON: Final = timedelta(seconds=30)


class Credentials(BaseModel):
    """What signing in gave."""

    model_config = ConfigDict(frozen=True)

    url: str
    """Which governance-service."""
    name: str
    access_token: str
    access_expires_at: AwareDatetime
    refresh_token: str

    @property
    def is_over(self) -> bool:
        """Whether the access token ends within the next moments."""
        return self.access_expires_at - datetime.now(UTC) < _SOON


class CredentialsFile:
    """The file of an environment.

    Args:
        home: The environment's folder.
    """

    def __init__(self, home: Home) -> None:
        self._path = home.root / "credentials.json"

    def read(self) -> Credentials | None:
        """Return who has signed in; None when nobody has.

        Raises:
            HomeError: The file cannot be read.
        """
        try:
            return Credentials.model_validate_json(self._path.read_bytes())
        except FileNotFoundError:
            return None
        except ValidationError:
            return None  # of another version: signing in again is no trouble
        except OSError as error:
            raise HomeError(self._path, error.strerror or str(error)) from error

    def write(self, credentials: Credentials) -> None:
        """Keep who has signed in.

        Args:
            credentials: Their tokens.

        Raises:
            HomeError: The file cannot be written.
        """
        self._prepare()
        write_atomically(self._path, credentials.model_dump_json().encode(), mode=0o600)

    def remove(self) -> None:
        """Forget who has signed in."""
        self._path.unlink(missing_ok=True)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other commands from refreshing while the block runs: a refresh token that is used twice ends the session.

        Raises:
            HomeError: The folder cannot be written.
        """
        self._prepare()
        try:
            descriptor = os.open(self._path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise HomeError(self._path, error.strerror or str(error)) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _prepare(self) -> None:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise HomeError(self._path.parent, error.strerror or str(error)) from error
