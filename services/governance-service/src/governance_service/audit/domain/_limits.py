"""What a record may say."""

import re
from typing import Final

from ._canonical import NotCanonicalError, canonical
from ._entry import AuditRecord
from ._errors import InvalidRecordError

_TRACE: Final = re.compile(r"[0-9a-f]{32}")
_ACTION: Final = re.compile(r"[a-z0-9][a-z0-9_.:-]{0,127}")
_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,127}")
_LONGEST: Final = 512
MOST_DETAILS_BYTES: Final = 16 * 1024
"""Room for the details of one entry."""


def check(record: AuditRecord) -> None:
    """Refuse a record that the trail could not keep, or that people could not read.

    Args:
        record: The record.

    Raises:
        InvalidRecordError: It names every fault with its field.
    """
    faults = {
        name: f"must be printable text of 1 to {_LONGEST} characters"
        for name in ("actor", "resource", "service", "tenant")
        if not _is_name(getattr(record, name), optional=name == "tenant")
    }
    if not _ACTION.fullmatch(record.action):
        faults["action"] = "must be lower-case letters, digits and . _ : -, at most 128"
    if record.outcome not in ("success", "denied", "failure"):
        faults["outcome"] = "must be success, denied or failure"
    if record.trace_id is not None and not _TRACE.fullmatch(record.trace_id):
        faults["trace_id"] = "must be 32 hexadecimal digits"
    if record.entry_id is not None and not _ID.fullmatch(record.entry_id):
        faults["entry_id"] = "must be letters, digits and . _ : -, at most 128"
    if record.occurred_at is not None and record.occurred_at.tzinfo is None:
        faults["occurred_at"] = "must have a zone"
    try:
        if len(canonical(record.details).encode()) > MOST_DETAILS_BYTES:
            faults["details"] = f"must not have more than {MOST_DETAILS_BYTES} bytes"
    except NotCanonicalError as error:
        faults["details"] = str(error)
    if faults:
        raise InvalidRecordError(faults)


def _is_name(value: str | None, *, optional: bool) -> bool:
    # What cannot be printed would forge lines wherever entries are shown.
    if value is None:
        return optional
    return 0 < len(value) <= _LONGEST and value.isprintable()
