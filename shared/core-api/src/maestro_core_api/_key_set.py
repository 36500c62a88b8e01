"""Public keys of an issuer, and whether one of them made a signature."""

from collections.abc import Sequence
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry, Key, OctKey, RSAKey
from joserfc.jws import JWSRegistry

from ._compact_token import CompactToken

_MAX_KEYS: Final = 64
_MIN_RSA_BITS: Final = 2_048
_BROKEN_KEY: Final = (JoseError, ValueError, TypeError, KeyError, AttributeError, UnsupportedAlgorithm)


class KeySet:
    """Keys of one issuer.

    Args:
        keys: The keys.
    """

    def __init__(self, keys: Sequence[Key]) -> None:
        self._keys = tuple(keys)

    @classmethod
    def from_jwks(cls, document: object) -> "KeySet":
        """Read a JSON Web Key Set (RFC 7517, 5).

        What cannot be used for signatures is passed over: keys of unknown kinds, keys for encryption, RSA keys under 2,048
        bits, and symmetric keys, which have no business in a published set.

        Args:
            document: The set, as JSON was read.

        Returns:
            The keys that can be used.

        Raises:
            ValueError: It is no key set, or none of its keys can be used.
        """
        given = document.get("keys") if isinstance(document, dict) else None
        if not isinstance(given, list) or len(given) > _MAX_KEYS:
            raise ValueError(f"a key set has a list 'keys' of at most {_MAX_KEYS}")
        keys = [key for key in map(_imported, given) if key is not None]
        if not keys:
            raise ValueError("none of the keys is a public key for signatures")
        return cls(keys)

    def knows(self, key_id: str | None) -> bool:
        """Tell whether there is a key that a token may mean.

        Args:
            key_id: The token's `kid`; None means any key.

        Returns:
            True when there is.
        """
        return any(key_id is None or key.kid == key_id for key in self._keys)

    def signed(self, token: CompactToken) -> bool:
        """Tell whether one of the keys made the token's signature.

        Args:
            token: The token; its algorithm must have been checked to be one that is allowed.

        Returns:
            True when one did.
        """
        method = JWSRegistry.algorithms[token.algorithm]
        for key in self._keys:
            if token.key_id is not None and isinstance(key.kid, str) and key.kid != token.key_id:
                continue
            if key.alg not in (None, token.algorithm):
                continue
            try:
                # A key of another kind is refused here: an RSA key is never taken for a shared secret (RFC 8725, 2.1).
                method.check_key(key)
                if method.verify(token.signed, token.signature, key):
                    return True
            except (JoseError, ValueError):
                continue
        return False


def _imported(data: object) -> Key | None:
    if not isinstance(data, dict) or data.get("use") not in (None, "sig"):
        return None
    try:
        key = JWKRegistry.import_key(data)
    except _BROKEN_KEY:
        return None
    if isinstance(key, OctKey) or (isinstance(key, RSAKey) and key.public_key.key_size < _MIN_RSA_BITS):
        return None
    return key
