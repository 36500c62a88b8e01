"""API keys of machines: how they look, how they are made, and what is kept of them."""

import base64
import hashlib
import hmac
import secrets
import string
import zlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, SecretStr

_ALPHABET: Final = string.digits + string.ascii_uppercase + string.ascii_lowercase
_ID_LENGTH: Final = 16
_SECRET_LENGTH: Final = 43
"""43 of 62 letters are 256 bits: nobody finds such a key by trying, so its hash need not be slow (unlike a password's)."""
_CHECKSUM_LENGTH: Final = 6


class APIKey(BaseModel):
    """What is kept of an API key: everything but the secret itself."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    key_id: str = Field(min_length=1)
    """Middle part of the key; no secret."""
    hash: str = Field(repr=False)
    """Hash of the secret, with its method: `hmac-sha256:…` with a pepper, `sha256:…` without."""
    subject: str = Field(min_length=1)
    """Who the key speaks for."""
    roles: frozenset[str] = frozenset()
    """Roles of the subject."""
    scopes: frozenset[str] = frozenset()
    """Scopes of the key."""
    tenant: str | None = Field(default=None, min_length=1)
    """The tenant that the subject belongs to; None: none."""
    created_at: AwareDatetime
    """When it was made."""
    expires_at: AwareDatetime | None = None
    """When it ends; None: never."""
    revoked_at: AwareDatetime | None = None
    """When it was taken back; None: it was not."""


def issue_api_key(
    *,
    subject: str,
    roles: Sequence[str] = ("viewer",),
    scopes: Sequence[str] = (),
    expires_in: timedelta | None = timedelta(days=365),
    prefix: str = "mk",
    pepper: SecretStr | str | None = None,
    tenant: str | None = None,
) -> tuple[str, APIKey]:
    """Make an API key.

    Args:
        subject: Who it speaks for.
        roles: Roles of the subject.
        scopes: Scopes of the key.
        expires_in: How long it is valid; None: without end.
        prefix: Its first part; the service's `APIKeyConfig.prefix`.
        pepper: Key of the hash; the service's `APIKeyConfig.pepper`.
        tenant: The tenant that the subject belongs to.

    Returns:
        The key, to be shown once and kept nowhere, and what is kept of it, for the store.
    """
    key_id = "".join(secrets.choice(_ALPHABET) for _ in range(_ID_LENGTH))
    secret = "".join(secrets.choice(_ALPHABET) for _ in range(_SECRET_LENGTH))
    body = f"{prefix}_{key_id}_{secret}"
    now = datetime.now(UTC)
    record = APIKey(
        key_id=key_id,
        hash=secret_hash(key_id, secret, pepper),
        subject=subject,
        roles=frozenset(roles),
        scopes=frozenset(scopes),
        tenant=tenant,
        created_at=now,
        expires_at=None if expires_in is None else now + expires_in,
    )
    return body + _checksum(body), record


def parse_api_key(key: str, prefix: str) -> tuple[str, str] | None:
    """Take a key apart.

    Args:
        key: The key as it was sent.
        prefix: What it must begin with.

    Returns:
        Its id and its secret; None when it is cut off, mistyped or no key at all.
    """
    length = len(prefix) + 2 + _ID_LENGTH + _SECRET_LENGTH
    body, checksum = key[:length], key[length:]
    if len(key) != length + _CHECKSUM_LENGTH or not key.isascii() or checksum != _checksum(body):
        return None
    parts = body.split("_")
    if len(parts) != 3 or parts[0] != prefix or len(parts[1]) != _ID_LENGTH or not (parts[1] + parts[2]).isalnum():
        return None
    return parts[1], parts[2]


def secret_hash(key_id: str, secret: str, pepper: SecretStr | str | None) -> str:
    """Return what is kept of a secret.

    Args:
        key_id: Id of the key; the hash is bound to it, so that one cannot be moved to another key.
        secret: The secret.
        pepper: Key of the hash; None for a hash that is not keyed.

    Returns:
        The method and the hash in hex.
    """
    message = f"{key_id}:{secret}".encode()
    if pepper is None:
        return f"sha256:{hashlib.sha256(message).hexdigest()}"
    key = pepper.get_secret_value() if isinstance(pepper, SecretStr) else pepper
    return f"hmac-sha256:{hmac.new(key.encode(), message, hashlib.sha256).hexdigest()}"


def secret_matches(record: APIKey, secret: str, pepper: SecretStr | str | None) -> bool:
    """Tell whether a secret belongs to a key, in a time that does not depend on where they differ.

    Args:
        record: What is kept of the key.
        secret: The secret that was sent.
        pepper: Key of the hash.

    Returns:
        True when it does. A hash that was made without a pepper never matches where one is configured, and the other way round.
    """
    return hmac.compare_digest(secret_hash(record.key_id, secret, pepper).encode(), record.hash.encode())


def _checksum(body: str) -> str:
    """Return six letters that a cut-off or mistyped key does not end with; no secret, it only spares a look-up."""
    digest = base64.b32encode(zlib.crc32(body.encode()).to_bytes(4, "big"))
    return digest.decode("ascii").rstrip("=").lower()[:_CHECKSUM_LENGTH]
