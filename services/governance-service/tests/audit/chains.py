"""Chains made up for tests."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from governance_service.audit.domain import (
    GENESIS,
    AuditEntry,
    AuditRecord,
    Checkpoint,
    Verdict,
    Verifier,
    chained,
    signed,
)
from governance_service.keys import PublicKeys, SigningKey

NOW = datetime(2026, 1, 1, tzinfo=UTC)
KEY = SigningKey.generated(NOW)
KEYS = PublicKeys({"keys": [KEY.jwk()]})
LOG = "log-1"


def chain(length: int, *, actor: str = "ada", after: tuple[AuditEntry, ...] = ()) -> list[AuditEntry]:
    """Entries that follow one another."""
    entries = list(after)
    for position in range(len(after) + 1, len(after) + length + 1):
        record = AuditRecord(actor=actor, action="user.create", resource=f"user:{position}", details={"n": position})
        entries.append(
            chained(
                record,
                position=position,
                entry_id=f"e-{position}",
                at=NOW + timedelta(seconds=position),
                previous_hash=entries[-1].hash if entries else GENESIS,
            )
        )
    return entries


def checkpoints(entries: list[AuditEntry], positions: list[int], *, key: SigningKey = KEY) -> list[Checkpoint]:
    """What was signed when the chain was so long."""
    found: list[Checkpoint] = []
    for position in positions:
        entry_hash = entries[position - 1].hash if position else GENESIS
        previous = found[-1] if found else None
        found.append(signed(key, log_id=LOG, position=position, entry_hash=entry_hash, time_us=1, previous=previous))
    return found


def judged(entries: list[AuditEntry], anchors: list[Checkpoint], keys: PublicKeys = KEYS) -> Verdict:
    """What a verifier says of them."""
    verifier = Verifier(LOG, anchors, keys)
    for entry in entries:
        verifier.read(entry)
    return verifier.verdict()


def rechained(entries: list[AuditEntry], start: int) -> list[AuditEntry]:
    """The same entries with positions and hashes made to fit again from an index on: a forger who knows the rules."""
    fixed = entries[:start]
    for entry in entries[start:]:
        previous = fixed[-1].hash if fixed else GENESIS
        bare = replace(entry, position=len(fixed) + 1, previous_hash=previous, hash="")
        fixed.append(replace(bare, hash=bare.computed_hash()))
    assert all(after.previous_hash == before.hash for before, after in pairwise(fixed))
    return fixed
