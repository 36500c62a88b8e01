"""Transport security of a service's own port."""

import ssl
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict

from ._errors import StartupError


class TLSConfig(BaseModel):
    """Certificate and key that a service listens with.

    They are read when a process starts, and not again: a renewed certificate is taken up by a restart, with several workers
    also by SIGHUP, which replaces one worker after another.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    certificate: Path
    """PEM file with the certificate, and those of the authorities between it and the root."""
    key: Path
    """PEM file with the private key, not locked with a password."""
    client_ca: Path | None = None
    """PEM file with authorities whose certificates every caller must show one of; None asks for none."""
    minimum_version: Literal["1.2", "1.3"] = "1.2"
    """The oldest version of TLS that is spoken."""

    def checked(self) -> Self:
        """Read the files, so that a fault in them is told before anything starts.

        Returns:
            The same options.

        Raises:
            StartupError: A file is missing, or is not what it should be; the message names it.
        """
        for path in (self.certificate, self.key, self.client_ca):
            if path is not None and not path.is_file():
                raise StartupError(f"there is no TLS file {path}")
        if b"ENCRYPTED" in self.key.read_bytes():
            raise StartupError(
                f"{self.key} is locked with a password; give a key without one, in a file that only the service reads"
            )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        try:
            context.load_cert_chain(self.certificate, self.key)
        except ssl.SSLError as error:
            raise StartupError(
                f"{self.certificate} and {self.key} cannot be used as TLS certificate and key: {error.reason or error}"
            ) from None
        if self.client_ca is not None:
            try:
                context.load_verify_locations(self.client_ca)
            except ssl.SSLError as error:
                raise StartupError(f"{self.client_ca} holds no certificates: {error.reason or error}") from None
        return self
