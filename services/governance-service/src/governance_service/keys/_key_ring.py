"""Which key signs now and which ones are believed: rotation, as a rule over times."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ._errors import NoSigningKeyError
from ._signing_key import SigningKey


@dataclass(frozen=True, slots=True)
class Rotation:
    """How keys follow one another."""

    every: timedelta
    """How long a key signs before the next one takes over."""
    announced: timedelta
    """How long a new key is published before it signs."""
    believed: timedelta
    """How long a key is published after it signed for the last time: the longest life of what it signs."""


class KeyRing:
    """Keys that follow one another.

    Args:
        keys: Every key that is kept.
        rotation: How they follow one another.
    """

    def __init__(self, keys: Sequence[SigningKey], rotation: Rotation) -> None:
        self._keys = sorted(keys, key=lambda key: (key.activates_at, key.key_id))
        self._rotation = rotation

    @property
    def keys(self) -> tuple[SigningKey, ...]:
        """All keys, the oldest first."""
        return tuple(self._keys)

    def signing(self, now: datetime) -> SigningKey:
        """Return the key that signs.

        Args:
            now: The present.

        Raises:
            NoSigningKeyError: None has begun to.
        """
        active = [key for key in self._keys if key.activates_at <= now]
        if not active:
            raise NoSigningKeyError
        return active[-1]

    def jwks(self, now: datetime) -> dict[str, Any]:
        """Return what is published: keys that will sign, the one that does, and those whose signatures still count.

        Args:
            now: The present.
        """
        return {"keys": [key.jwk() for key in self._keys if not self._is_over(key, now)]}

    def over(self, now: datetime) -> list[SigningKey]:
        """Return the keys of which nothing counts any more, and which may be deleted.

        Args:
            now: The present.
        """
        return [key for key in self._keys if self._is_over(key, now)]

    def next_key(self, now: datetime) -> SigningKey | None:
        """Make the next key when it is time to announce it.

        Args:
            now: The present.

        Returns:
            The key, to be kept; None while it is too early.
        """
        if not self._keys:
            return SigningKey.generated(now)
        due = self._keys[-1].activates_at + self._rotation.every
        if now < due - self._rotation.announced:
            return None
        return SigningKey.generated(max(due, now + self._rotation.announced))

    def _is_over(self, key: SigningKey, now: datetime) -> bool:
        later = [other for other in self._keys if other.activates_at > key.activates_at]
        return bool(later) and later[0].activates_at + self._rotation.believed < now
