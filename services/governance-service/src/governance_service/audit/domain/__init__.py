"""The trail's rules: the chain, its checkpoints, what breaks them. No input or output."""

from ._canonical import NotCanonicalError, canonical
from ._checkpoint import Checkpoint, NoCheckpointError, Signs, Verifies, signed
from ._entry import GENESIS, AuditEntry, AuditRecord, Outcome, chained, microseconds
from ._errors import AnchorError, AuditError, EntryDiffersError, InvalidRecordError, VerificationStoppedError
from ._limits import MOST_DETAILS_BYTES, check
from ._verification import Broken, Fault, Verdict, Verifier

__all__ = [
    "GENESIS",
    "MOST_DETAILS_BYTES",
    "AnchorError",
    "AuditEntry",
    "AuditError",
    "AuditRecord",
    "Broken",
    "Checkpoint",
    "EntryDiffersError",
    "Fault",
    "InvalidRecordError",
    "NoCheckpointError",
    "NotCanonicalError",
    "Outcome",
    "Signs",
    "Verdict",
    "VerificationStoppedError",
    "Verifier",
    "Verifies",
    "canonical",
    "chained",
    "check",
    "microseconds",
    "signed",
]
