"""What is known of a request with an idempotency key, and what that means for the next one. Rules only: no clock, no storage."""

import json
from dataclasses import dataclass, field
from typing import Literal

Verdict = Literal["run", "running", "answered", "other_request", "outcome_unknown"]
"""`run`: answer the request. `running`: it is being answered. `answered`: send the answer again. `other_request`: the key belongs to
another request. `outcome_unknown`: an earlier attempt did not end, and must not be repeated."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that is kept."""

    status: int
    """HTTP status."""
    headers: tuple[tuple[bytes, bytes], ...]
    """Headers that belong to the answer, not to the connection."""
    body: bytes
    """The body."""

    def to_bytes(self) -> bytes:
        """Return the answer as a store keeps it."""
        head = [self.status, [[name.decode("latin-1"), value.decode("latin-1")] for name, value in self.headers]]
        return json.dumps(head).encode("ascii") + b"\n" + self.body

    @classmethod
    def from_bytes(cls, data: bytes) -> "Answer":
        """Read what `to_bytes` returned."""
        head, _, body = data.partition(b"\n")
        status, headers = json.loads(head)
        return cls(status, tuple((name.encode("latin-1"), value.encode("latin-1")) for name, value in headers), body)


@dataclass(slots=True)
class Record:
    """What a store knows of a key."""

    fingerprint: str
    """Hash of the request that the key belongs to."""
    owner: str
    """Who answers it."""
    lease_until_ms: int
    """Until when the owner counts as alive; 0 after it gave up."""
    attempt: int = 1
    """How often the request was begun."""
    finished: bool = False
    """Whether there is an answer."""
    answer: bytes | None = field(default=None, repr=False)
    """The answer; None when it was too large to be kept."""


@dataclass(frozen=True, slots=True)
class Begun:
    """What a store says to a request."""

    verdict: Verdict
    """What to do."""
    attempt: int = 1
    """Which attempt this is, or was."""
    answer: bytes | None = None
    """The answer that was given; None when there is none or it was too large to be kept."""


def judge(record: Record, fingerprint: str, owner: str, now_ms: int, *, run_again: bool) -> Verdict:
    """Decide what a key that is known means for a request.

    Args:
        record: What is known of the key.
        fingerprint: Hash of the request.
        owner: Who wants to answer it.
        now_ms: The time.
        run_again: Whether an attempt that did not end is repeated.

    Returns:
        What to do.
    """
    if record.fingerprint != fingerprint:
        return "other_request"
    if record.finished:
        return "answered"
    if record.owner == owner:
        return "run"
    if record.lease_until_ms > now_ms:
        return "running"
    return "run" if run_again else "outcome_unknown"
