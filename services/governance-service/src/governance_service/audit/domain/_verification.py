"""Whether a chain is what it was when its checkpoints were signed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ._canonical import NotCanonicalError
from ._checkpoint import Checkpoint, Verifies
from ._entry import GENESIS, AuditEntry

Fault = Literal[
    "entry-changed",
    "entry-missing",
    "entry-out-of-place",
    "history-rewritten",
    "entries-cut-off",
    "checkpoint-forged",
    "other-log",
    "checkpoints-gone",
]
"""What is wrong. `entry-changed`: its content does not have its hash. `entry-missing`: a position is left out.
`entry-out-of-place`: it does not follow the one before it. `history-rewritten`: the chain is sound, and is not the one that was
signed. `entries-cut-off`: it ends before a signed position. The others are about the checkpoints themselves."""


@dataclass(frozen=True, slots=True)
class Broken:
    """The first thing that is wrong."""

    fault: Fault
    position: int
    """Of the entry, or of the checkpoint's."""
    entry_id: str | None
    """Of the entry, when there is one."""
    text: str
    """For people."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found."""

    broken: Broken | None
    """None: the chain is intact."""
    entries: int
    """How many entries were looked at."""
    head: int
    """Position of the last one that was sound."""
    head_hash: str
    anchored: int
    """The position up to which signed checkpoints vouch for the chain."""

    @property
    def intact(self) -> bool:
        """Whether nothing is wrong."""
        return self.broken is None


class Verifier:
    """Reads a chain from its beginning and compares it with signed checkpoints.

    Args:
        log_id: Which chain it must be.
        checkpoints: Every checkpoint that is known, in the order in which they were signed.
        keys: The keys that may have signed them.
        after: Position and hash to begin after, when earlier entries are kept elsewhere.
    """

    def __init__(
        self, log_id: str, checkpoints: Sequence[Checkpoint], keys: Verifies, *, after: tuple[int, str] = (0, GENESIS)
    ) -> None:
        self._position, self._hash = after
        self._entries = 0
        self._anchored = 0
        self._broken = _bad_checkpoint(log_id, checkpoints, keys)
        self._waiting = sorted((one for one in checkpoints), key=lambda one: -one.position)
        self._check_anchors()

    @property
    def is_broken(self) -> bool:
        """Whether reading on can change nothing any more."""
        return self._broken is not None

    def read(self, entry: AuditEntry) -> None:
        """Look at the next entry.

        Args:
            entry: The entry, as it was found.
        """
        if self._broken is not None:
            return
        self._entries += 1
        self._broken = self._fault_of(entry)
        if self._broken is None:
            self._position, self._hash = entry.position, entry.hash
            self._check_anchors()

    def verdict(self) -> Verdict:
        """Say what was found, after the last entry."""
        broken = self._broken
        if broken is None and self._waiting:
            last = self._waiting[0]
            broken = Broken(
                "entries-cut-off",
                self._position + 1,
                None,
                f"the chain ends at {self._position}, and {last.position} entries had been signed for",
            )
        return Verdict(broken, self._entries, self._position, self._hash, self._anchored)

    def _fault_of(self, entry: AuditEntry) -> Broken | None:
        expected = self._position + 1
        if entry.position > expected:
            return Broken("entry-missing", expected, None, f"there is no entry {expected}; {entry.position} comes next")
        if entry.position < expected:
            text = f"entry {entry.position} comes where {expected} belongs"
            return Broken("entry-out-of-place", entry.position, entry.entry_id, text)
        if not _has_its_hash(entry):
            text = f"entry {expected} does not say what it said when it was recorded"
            return Broken("entry-changed", expected, entry.entry_id, text)
        if entry.previous_hash != self._hash:
            text = f"entry {expected} does not follow the entry before it"
            return Broken("entry-out-of-place", expected, entry.entry_id, text)
        return None

    def _check_anchors(self) -> None:
        while self._broken is None and self._waiting and self._waiting[-1].position <= self._position:
            anchor = self._waiting.pop()
            if anchor.position < self._position:
                continue  # of entries that are kept elsewhere
            if anchor.hash != self._hash:
                text = f"up to entry {anchor.position} the chain is not the one that was signed for"
                self._broken = Broken("history-rewritten", anchor.position, None, text)
                return
            self._anchored = anchor.position


def _bad_checkpoint(log_id: str, checkpoints: Sequence[Checkpoint], keys: Verifies) -> Broken | None:
    # A checkpoint names the fingerprint of the one before it, so that one signature vouches for all of a file before it.
    vouched: set[str] = set()
    for one in reversed(checkpoints):
        if one.log_id != log_id:
            return Broken("other-log", one.position, None, f"a checkpoint is of log {one.log_id} and not of {log_id}")
        if one.fingerprint() not in vouched and not one.is_signed_by(keys):
            text = f"the checkpoint for entry {one.position} has no signature of a trusted key"
            return Broken("checkpoint-forged", one.position, None, text)
        vouched.add(one.previous)
    return None


def _has_its_hash(entry: AuditEntry) -> bool:
    try:
        return entry.computed_hash() == entry.hash
    except NotCanonicalError:
        return False
