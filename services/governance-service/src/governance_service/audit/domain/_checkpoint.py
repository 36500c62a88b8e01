"""Signed statements of how far the chain was, to be kept where the database's keeper cannot reach."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Protocol

from ._canonical import NotCanonicalError, canonical

FORMAT: Final = "maestro-audit-checkpoint/1"
_FIELDS: Final = frozenset(
    {"format", "log_id", "position", "hash", "time_us", "previous", "key_id", "signature"}
)  # fmt: skip


class Signs(Protocol):
    """A private key."""

    @property
    def key_id(self) -> str:
        """Its name in the key set."""
        ...

    def sign(self, content: bytes) -> str:
        """Return an Ed25519 signature in base64url."""
        ...


class Verifies(Protocol):
    """Public keys."""

    def verifies(self, key_id: str, content: bytes, signature: str) -> bool:
        """Tell whether the named key made the signature."""
        ...


class NoCheckpointError(ValueError):
    """A line that is no checkpoint."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """The chain had this many entries, the last one with this hash."""

    log_id: str
    """Which chain."""
    position: int
    """Position of its last entry; 0 before the first."""
    hash: str
    """Hash of its last entry."""
    time_us: int
    """When it was signed, in microseconds since 1970."""
    previous: str
    """Fingerprint of the checkpoint before it in the same file, for which this one vouches; empty for the first."""
    key_id: str
    signature: str = ""

    def signed_text(self) -> bytes:
        """Return what the signature covers."""
        return canonical({**asdict(self), "signature": None, "format": FORMAT}).encode()

    def fingerprint(self) -> str:
        """Return a short name of the whole checkpoint."""
        return hashlib.sha256(self.line().encode()).hexdigest()[:32]

    def line(self) -> str:
        """Write it as one line of JSON, without the end of the line."""
        return canonical({**asdict(self), "format": FORMAT})

    @classmethod
    def read(cls, line: str | bytes | Mapping[str, Any]) -> "Checkpoint":
        """Read a checkpoint.

        Args:
            line: What `line` wrote, or the object that it holds.

        Returns:
            The checkpoint; its signature has not been looked at.

        Raises:
            NoCheckpointError: It is none.
        """
        try:
            found = json.loads(line) if isinstance(line, str | bytes) else dict(line)
            if not isinstance(found, dict) or found.pop("type", "checkpoint") != "checkpoint" or set(found) != _FIELDS:
                raise NoCheckpointError("a checkpoint has other fields")
            if found.pop("format") != FORMAT:
                raise NoCheckpointError("a checkpoint of another format")
            whole = isinstance(found["position"], int) and isinstance(found["time_us"], int)
            texts = all(isinstance(value, str) for name, value in found.items() if name not in ("position", "time_us"))
            if not whole or not texts:
                raise NoCheckpointError("a checkpoint with fields of other types")
            return cls(**found)
        except (ValueError, RecursionError) as error:
            raise NoCheckpointError(str(error)) from error

    def is_signed_by(self, keys: Verifies) -> bool:
        """Tell whether one of the keys made the signature.

        Args:
            keys: The keys that are trusted.
        """
        try:
            return keys.verifies(self.key_id, self.signed_text(), self.signature)
        except NotCanonicalError:
            return False


def signed(
    key: Signs, *, log_id: str, position: int, entry_hash: str, time_us: int, previous: Checkpoint | None
) -> Checkpoint:
    """Sign how far the chain is.

    Args:
        key: Signs it.
        log_id: Which chain.
        position: Position of the last entry.
        entry_hash: Hash of the last entry.
        time_us: Now.
        previous: The checkpoint before.

    Returns:
        The checkpoint.
    """
    bare = Checkpoint(
        log_id=log_id,
        position=position,
        hash=entry_hash,
        time_us=time_us,
        previous="" if previous is None else previous.fingerprint(),
        key_id=key.key_id,
    )
    return Checkpoint(**{**asdict(bare), "signature": key.sign(bare.signed_text())})
