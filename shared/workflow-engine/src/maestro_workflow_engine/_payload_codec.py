"""Encoding of payloads on their way into the journal: the hook, and AES-GCM with keys that rotate."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from maestro_workflow_engine._payload_errors import PayloadIntegrityError, PayloadKeyError

_KEY_BYTES = 32
_NONCE_BYTES = 12  # 96 bits, the length GCM takes as it is (NIST SP 800-38D, 5.2.1.1)


class PayloadCodec(Protocol):
    """Changes payloads before they are kept and back when they are read. Calls come from one thread and must not block."""

    @property
    def key_id(self) -> str:
        """The id under which `encode` works at present; kept, readable, beside each payload."""

    def encode(self, data: bytes, context: bytes) -> bytes:
        """Change a payload.

        Args:
            data: The payload, JSON.
            context: The place it belongs to (run, event and field). Bind it, so that a payload is worth nothing elsewhere.

        Returns:
            What is kept.
        """

    def decode(self, data: bytes, context: bytes, key_id: str) -> bytes:
        """Change a payload back.

        Args:
            data: What `encode` returned.
            context: The place it was found in.
            key_id: The id it was kept with. Nobody vouches for it but the codec.

        Returns:
            The payload.

        Raises:
            PayloadKeyError: There is no such key.
            PayloadIntegrityError: It was altered, or belongs elsewhere.
        """


class AesGcmCodec:
    """Encrypts payloads with AES-256-GCM (NIST SP 800-38D).

    Every payload gets a random 96-bit nonce; the key's id and the payload's place are authenticated with it. One key may
    encrypt 2**32 payloads (SP 800-38D, 8.3): at 1,000 a second that is 49 days, so give each month a key, or each week.
    Old keys stay in `keys` for as long as there are runs that were written with them.

    Args:
        keys: Keys of 32 bytes by id.
        active: The id of the key that encrypts; the others only decrypt.

    Raises:
        ValueError: There is no active key, a key is not 32 bytes long, or an id is empty or has a zero byte.
    """

    def __init__(self, keys: Mapping[str, bytes], active: str) -> None:
        if active not in keys:
            raise ValueError(
                f"there is no key {active!r} to be the active one; keys: {', '.join(sorted(keys)) or 'none'}"
            )
        for key_id, key in keys.items():
            if not key_id or "\0" in key_id:
                raise ValueError(f"{key_id!r} is no key id")
            if len(key) != _KEY_BYTES:
                raise ValueError(f"key {key_id!r} has {len(key)} bytes; AES-256 takes {_KEY_BYTES}")
        self._ciphers = {key_id: AESGCM(bytes(key)) for key_id, key in keys.items()}
        self._active = active

    @property
    def key_id(self) -> str:
        """The id of the active key."""
        return self._active

    def encode(self, data: bytes, context: bytes) -> bytes:
        """Encrypt a payload; returns nonce, ciphertext and tag."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._ciphers[self._active].encrypt(nonce, data, _associated(self._active, context))

    def decode(self, data: bytes, context: bytes, key_id: str) -> bytes:
        """Decrypt a payload.

        Raises:
            PayloadKeyError: There is no such key.
            PayloadIntegrityError: It was altered, or belongs elsewhere.
        """
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise PayloadKeyError(key_id)
        try:
            return cipher.decrypt(data[:_NONCE_BYTES], data[_NONCE_BYTES:], _associated(key_id, context))
        except (InvalidTag, ValueError) as error:  # ValueError: too short to be a ciphertext
            raise PayloadIntegrityError(f"it was altered, or encrypted for another place (key {key_id!r})") from error

    def __repr__(self) -> str:
        return f"AesGcmCodec(keys={sorted(self._ciphers)}, active={self._active!r})"


def _associated(key_id: str, context: bytes) -> bytes:
    return key_id.encode() + b"\0" + context
