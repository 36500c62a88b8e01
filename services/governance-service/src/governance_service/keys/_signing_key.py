"""An Ed25519 key pair (RFC 8032), and its public half as others read it."""

import base64
import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key, and when it takes over.

    Use `generated` or `restored`.
    """

    private: Ed25519PrivateKey
    key_id: str
    """Thumbprint of the public half (RFC 7638)."""
    activates_at: datetime
    """When it begins to sign. Its public half is published before that, so that everybody has it in time."""

    @classmethod
    def generated(cls, activates_at: datetime) -> "SigningKey":
        """Make a key.

        Args:
            activates_at: When it begins to sign.

        Returns:
            The key; it is kept nowhere yet.
        """
        return cls._of(Ed25519PrivateKey.generate(), activates_at)

    @classmethod
    def restored(cls, secret: bytes, activates_at: datetime) -> "SigningKey":
        """Make the key that a file holds.

        Args:
            secret: Its 32 bytes.
            activates_at: When it begins to sign.

        Returns:
            The key.

        Raises:
            ValueError: It has not 32 bytes.
        """
        return cls._of(Ed25519PrivateKey.from_private_bytes(secret), activates_at)

    @classmethod
    def _of(cls, private: Ed25519PrivateKey, activates_at: datetime) -> "SigningKey":
        return cls(private, thumbprint(private.public_key().public_bytes_raw()), activates_at)

    def __repr__(self) -> str:
        """Name it, and keep it secret."""
        return f"SigningKey({self.key_id!r}, activates_at={self.activates_at.isoformat()})"

    def secret(self) -> bytes:
        """Return the 32 bytes that a file keeps."""
        return self.private.private_bytes_raw()

    def sign(self, content: bytes) -> str:
        """Sign.

        Args:
            content: What.

        Returns:
            The signature in base64url.
        """
        return b64url(self.private.sign(content))

    def jwk(self) -> dict[str, str]:
        """Return the public half as a JSON Web Key (RFC 8037)."""
        public = b64url(self.private.public_key().public_bytes_raw())
        return {"kty": "OKP", "crv": "Ed25519", "x": public, "kid": self.key_id, "use": "sig", "alg": "EdDSA"}


class PublicKeys:
    """Public keys by their names.

    Args:
        jwks: A JSON Web Key Set; keys of other kinds are passed over. Names are worked out anew, never believed.
    """

    def __init__(self, jwks: dict[str, Any]) -> None:
        self._keys: dict[str, Ed25519PublicKey] = {}
        for jwk in jwks.get("keys", ()):
            if isinstance(jwk, dict) and jwk.get("crv") == "Ed25519" and isinstance(jwk.get("x"), str):
                raw = unb64url(jwk["x"])
                self._keys[thumbprint(raw)] = Ed25519PublicKey.from_public_bytes(raw)

    def verifies(self, key_id: str, content: bytes, signature: str) -> bool:
        """Tell whether a key made a signature.

        Args:
            key_id: Name of the key.
            content: What was signed.
            signature: The signature in base64url.
        """
        key = self._keys.get(key_id)
        if key is None:
            return False
        try:
            key.verify(unb64url(signature), content)
        except (InvalidSignature, ValueError):
            return False
        return True


def thumbprint(public: bytes) -> str:
    """Return the name of a public key (RFC 7638).

    Args:
        public: Its 32 bytes.
    """
    members = {"crv": "Ed25519", "kty": "OKP", "x": b64url(public)}
    return b64url(hashlib.sha256(json.dumps(members, sort_keys=True, separators=(",", ":")).encode()).digest())


def b64url(content: bytes) -> str:
    """Write bytes in base64url without padding (RFC 7515, 2)."""
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode("ascii")


def unb64url(text: str) -> bytes:
    """Read base64url without padding.

    Raises:
        ValueError: It is none.
    """
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
