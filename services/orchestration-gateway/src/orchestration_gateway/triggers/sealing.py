"""Keys of webhooks at rest: encrypted, so that the database alone is of no use to whoever reads it."""

import base64
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pydantic import SecretStr

from .errors import GatewayError
from .trigger import Key

_PURPOSE: Final = b"maestro orchestration-gateway: keys of triggers, version 1"


class KeysUnreadableError(GatewayError):
    """The keys of a trigger cannot be decrypted with the keys that are configured."""

    code = "KEYS_UNREADABLE"

    def __init__(self, trigger: str) -> None:
        super().__init__(
            f"the keys of trigger {trigger!r} cannot be decrypted: set previous_encryption_keys to the secret with which they "
            "were kept (encryption_key, or jwt_secret where there is none), or give the trigger new ones"
        )


class Seal:
    """Encrypts and decrypts the keys of triggers (Fernet: AES-128-CBC with HMAC-SHA256).

    Args:
        secrets: The secrets that keys are derived from; the first encrypts, all decrypt. Without one nothing can be kept.
    """

    def __init__(self, secrets: Sequence[SecretStr]) -> None:
        self._fernet = MultiFernet([_derived(secret) for secret in secrets]) if secrets else None

    @property
    def is_usable(self) -> bool:
        """Whether there is a secret to encrypt with."""
        return self._fernet is not None

    def seal(self, trigger: str, keys: Sequence[Key]) -> str:
        """Encrypt the keys of a trigger.

        Args:
            trigger: Its name, which is sealed along: the keys are of no use in another trigger's row.
            keys: Its keys.
        """
        assert self._fernet is not None
        content = [[key.value, None if key.expires_at is None else key.expires_at.isoformat()] for key in keys]
        return self._fernet.encrypt(json.dumps([trigger, content]).encode()).decode()

    def unseal(self, trigger: str, sealed: str | None) -> tuple[Key, ...]:
        """Decrypt the keys of a trigger.

        Raises:
            KeysUnreadableError: They were sealed with another secret, or for another trigger.
        """
        if sealed is None:
            return ()
        if self._fernet is None:
            raise KeysUnreadableError(trigger)
        try:
            name, content = json.loads(self._fernet.decrypt(sealed.encode()))
        except InvalidToken:
            raise KeysUnreadableError(trigger) from None
        if name != trigger:
            raise KeysUnreadableError(trigger)
        return tuple(Key(value, None if until is None else datetime.fromisoformat(until)) for value, until in content)


def _derived(secret: SecretStr) -> Fernet:
    derivation = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=_PURPOSE)
    return Fernet(base64.urlsafe_b64encode(derivation.derive(secret.get_secret_value().encode())))
