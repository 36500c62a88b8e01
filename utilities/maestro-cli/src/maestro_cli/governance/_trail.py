"""Verifies an exported audit trail, on its own: none of the service's code is used, only what its format says.

A trail is lines of JSON: a header, checkpoints, entries. An entry's hash is SHA-256 over its other fields in canonical JSON (RFC 8785),
the hash of the entry before it included. A checkpoint is an Ed25519 signature over position and hash of an entry.
"""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

FORMAT: Final = "maestro-audit/1"
_CHECKPOINT_FORMAT: Final = "maestro-audit-checkpoint/1"
_BEFORE_ALL: Final = {"position": 0, "hash": "0" * 64}
"""What a trail follows that is there from its first entry on."""


class TrailBroken(Exception):  # noqa: N818 - it says what was found, and is no failure of this program
    """The first thing that is wrong with a trail.

    Args:
        fault: A stable name of it, as the service's own.
        position: Of the entry, or of the checkpoint's; 0 for the file as a whole.
        entry_id: Of the entry, when there is one.
        text: For people.
    """

    def __init__(self, fault: str, position: int, entry_id: str | None, text: str) -> None:
        super().__init__(text)
        self.fault = fault
        self.position = position
        self.entry_id = entry_id


@dataclass(frozen=True, slots=True)
class TrailReport:
    """What an intact trail is."""

    log_id: str
    entries: int
    head: int
    head_hash: str
    anchored: int
    """The position up to which signatures vouch for it."""
    checkpoint: Mapping[str, Any] | None
    """The last one; a witness keeps it."""
    key_ids: tuple[str, ...]
    """The keys that signed."""


class TrailReader:
    """Reads a trail line by line.

    Args:
        keys: The keys that are trusted (a JSON Web Key Set); None takes those that the trail itself names, which shows that it is of one
            piece, and not whose it is.
        seen: A checkpoint of the same trail that was seen before, and must still hold; None for none.
        log_id: Which trail it must be; None for any.
    """

    def __init__(
        self,
        *,
        keys: Mapping[str, Any] | None = None,
        seen: Mapping[str, Any] | None = None,
        log_id: str | None = None,
    ) -> None:
        self._keys = None if keys is None else _public_keys(keys.get("keys"))
        self._seen = seen
        self._log_id = log_id
        self._header: Mapping[str, Any] | None = None
        self._waiting: list[Mapping[str, Any]] = []
        self._last: Mapping[str, Any] | None = None
        self._key_ids: set[str] = set()
        self._position, self._hash = 0, ""
        self._entries, self._anchored, self._number = 0, 0, 0

    def read(self, line: str | bytes) -> None:
        """Look at the next line.

        Args:
            line: The line.

        Raises:
            TrailBroken: It is the first that is wrong.
        """
        self._number += 1
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            value = None
        kind = value.get("type") if isinstance(value, dict) else None
        if self._header is None and kind == "header":
            self._begin(value)
        elif self._header is not None and kind == "checkpoint" and not self._entries:
            self._remember(value)
        elif self._header is not None and kind == "entry":
            self._check_entry(value)
        else:
            text = f"line {self._number} is none of an audit trail, or cut off"
            raise TrailBroken("entry-changed", self._position + 1, None, text)

    def report(self) -> TrailReport:
        """Say what the trail is, after its last line.

        Raises:
            TrailBroken: It ends too early.
        """
        if self._header is None:
            raise TrailBroken("entries-cut-off", 0, None, "there is no audit trail in it")
        self._check_anchors()
        if self._waiting:
            last = max(one["position"] for one in self._waiting)
            text = f"the trail ends at entry {self._position}, and {last} entries had been signed for"
            raise TrailBroken("entries-cut-off", self._position + 1, None, text)
        if self._last is None:
            raise TrailBroken("checkpoints-gone", 0, None, "nothing in it is signed for")
        return TrailReport(
            log_id=self._header["log_id"],
            entries=self._entries,
            head=self._position,
            head_hash=self._hash,
            anchored=self._anchored,
            checkpoint=self._last,
            key_ids=tuple(sorted(self._key_ids)),
        )

    def _begin(self, header: Mapping[str, Any]) -> None:
        after = header.get("after")
        if header.get("format") != FORMAT or not isinstance(after, dict) or not isinstance(header.get("log_id"), str):
            raise TrailBroken("entry-changed", 0, None, f"line 1 is no header of the format {FORMAT}")
        if self._log_id is not None and header["log_id"] != self._log_id:
            text = f"this is the trail {header['log_id']}, and the one that was seen before is {self._log_id}"
            raise TrailBroken("other-log", 0, None, text)
        if after != _BEFORE_ALL or isinstance(after["position"], bool):
            # Nobody signs for a header: what it says to have been left out may never have been so.
            text = f"the trail begins after entry {after.get('position')}; nothing vouches for what came before"
            raise TrailBroken("entries-cut-off", 1, None, text)
        self._header = header
        self._position, self._hash = 0, str(after["hash"])
        if self._keys is None:
            self._keys = _public_keys(header.get("keys"))
        if self._seen is not None:
            self._remember(self._seen)
            self._last = None

    def _remember(self, checkpoint: Mapping[str, Any]) -> None:
        assert self._header is not None
        fields = {name: value for name, value in checkpoint.items() if name != "type"}
        position = fields.get("position")
        if not isinstance(position, int) or fields.get("format") != _CHECKPOINT_FORMAT:
            raise TrailBroken("checkpoint-forged", 0, None, f"line {self._number} is no checkpoint")
        if fields.get("log_id") != self._header["log_id"]:
            raise TrailBroken("other-log", position, None, f"the checkpoint for entry {position} is of another trail")
        if not self._is_signed(fields):
            text = f"the checkpoint for entry {position} has no signature of a trusted key"
            raise TrailBroken("checkpoint-forged", position, None, text)
        self._key_ids.add(str(fields["key_id"]))
        self._waiting.append(fields)
        if self._last is None or position >= self._last["position"]:
            self._last = fields

    def _check_entry(self, entry: Mapping[str, Any]) -> None:
        self._check_anchors()
        self._entries += 1
        content = {name: value for name, value in entry.items() if name not in ("type", "hash")}
        position, expected = content.get("position"), self._position + 1
        entry_id = str(content.get("entry_id"))
        if not isinstance(position, int) or isinstance(position, bool):
            raise TrailBroken("entry-changed", expected, entry_id, f"entry {expected} has no position")
        if position > expected:
            raise TrailBroken("entry-missing", expected, None, f"there is no entry {expected}; {position} comes next")
        if position < expected:
            raise TrailBroken(
                "entry-out-of-place", position, entry_id, f"entry {position} comes where {expected} belongs"
            )
        if hashlib.sha256(_canonical(content)).hexdigest() != entry.get("hash"):
            text = f"entry {position} does not say what it said when it was recorded"
            raise TrailBroken("entry-changed", position, entry_id, text)
        if content.get("previous_hash") != self._hash:
            raise TrailBroken(
                "entry-out-of-place", position, entry_id, f"entry {position} does not follow the one before it"
            )
        self._position, self._hash = position, str(entry["hash"])

    def _check_anchors(self) -> None:
        left = []
        for anchor in self._waiting:
            if anchor["position"] > self._position:
                left.append(anchor)
            elif anchor["position"] == self._position:
                if anchor["hash"] != self._hash:
                    text = f"up to entry {self._position} the trail is not the one that was signed for"
                    raise TrailBroken("history-rewritten", self._position, None, text)
                self._anchored = self._position
        self._waiting = left

    def _is_signed(self, checkpoint: Mapping[str, Any]) -> bool:
        key = (self._keys or {}).get(str(checkpoint.get("key_id")))
        if key is None:
            return False
        try:
            key.verify(_unb64url(str(checkpoint.get("signature"))), _canonical({**checkpoint, "signature": None}))
        except (InvalidSignature, ValueError):
            return False
        return True


def _public_keys(jwks: object) -> dict[str, Ed25519PublicKey]:
    keys = jwks if isinstance(jwks, Sequence) and not isinstance(jwks, str) else ()
    found = {}
    for jwk in keys:
        if isinstance(jwk, Mapping) and jwk.get("crv") == "Ed25519":
            try:
                public = Ed25519PublicKey.from_public_bytes(_unb64url(str(jwk.get("x"))))
            except ValueError:
                continue
            # A key's name is worked out (RFC 7638) and never believed.
            name = hashlib.sha256(_canonical({"crv": "Ed25519", "kty": "OKP", "x": jwk.get("x")})).digest()
            found[base64.urlsafe_b64encode(name).rstrip(b"=").decode()] = public
    return found


def _canonical(value: Mapping[str, Any]) -> bytes:
    # All names are plain ASCII and all values text, whole numbers and null, for which this is RFC 8785.
    try:
        return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return b""


def _unb64url(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
