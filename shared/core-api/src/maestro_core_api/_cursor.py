"""Cursors of pages: where the next page begins, in a form that callers hand back as it is."""

import base64
import hashlib
import hmac
import json
from typing import Final

from pydantic import SecretStr

_VERSION: Final = 1
_MAC_BYTES: Final = 16
_MAX_LENGTH: Final = 2_048


class CursorRefusedError(Exception):
    """A cursor that was not given out for this listing."""


class CursorCodec:
    """Writes and reads cursors.

    With a key they are signed, and bound to the listing that they were given out for: to its path and its filters. Without one
    they are bound, but not secret.

    Args:
        key: The service's secret; None for cursors that anybody could make.
    """

    def __init__(self, key: SecretStr | None) -> None:
        # A key of its own is derived, so that a cursor says nothing about tokens signed with the same secret.
        secret = b"" if key is None else key.get_secret_value().encode()
        self._key = hmac.new(secret, b"maestro cursor", hashlib.sha256).digest()

    def encode(self, position: object, listing: str) -> str:
        """Write a cursor.

        Args:
            position: Where the next page begins, as JSON values.
            listing: What is listed: path and filters.

        Returns:
            The cursor: letters, digits, `-` and `_`.
        """
        data = json.dumps([_VERSION, position], separators=(",", ":")).encode()
        return base64.urlsafe_b64encode(self._mac(data, listing) + data).rstrip(b"=").decode("ascii")

    def decode(self, cursor: str, listing: str) -> object:
        """Read a cursor.

        Args:
            cursor: What `encode` returned.
            listing: What is listed.

        Returns:
            The position, as JSON values.

        Raises:
            CursorRefusedError: It was cut off, changed, or given out for another listing.
        """
        try:
            if len(cursor) > _MAX_LENGTH:
                raise CursorRefusedError
            raw = base64.b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4), b"-_", validate=True)
            mac, data = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
            if not hmac.compare_digest(mac, self._mac(data, listing)):
                raise CursorRefusedError
            version, position = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise CursorRefusedError from error
        if version != _VERSION:
            raise CursorRefusedError
        return position

    def _mac(self, data: bytes, listing: str) -> bytes:
        message = len(data).to_bytes(8, "big") + data + listing.encode(errors="replace")
        return hmac.new(self._key, message, hashlib.sha256).digest()[:_MAC_BYTES]
