"""Cursors of listings: where a page ended, and of which listing."""

from __future__ import annotations

import base64
import binascii
import hashlib

import msgspec

from maestro_workflow_engine._run_filter import RunFilter, RunOrder
from maestro_workflow_engine.embedded._run_query import criteria

_BYTES = 9


class _Cursor(msgspec.Struct, frozen=True, array_like=True):
    key: int
    listing: str


def make_cursor(key: int, wanted: RunFilter, order: RunOrder) -> str:
    """Return the cursor of a page that ends with a run."""
    return base64.urlsafe_b64encode(msgspec.json.encode(_Cursor(key, _listing(wanted, order)))).decode().rstrip("=")


def read_cursor(cursor: str, wanted: RunFilter, order: RunOrder) -> int:
    """Return the key of the run that the page before ended with.

    Raises:
        ValueError: It is none, or one of a listing with another filter or order.
    """
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        found = msgspec.json.decode(base64.b64decode(padded, altchars=b"-_", validate=True), type=_Cursor)
    except (UnicodeEncodeError, binascii.Error, msgspec.DecodeError) as error:
        raise ValueError(f"{cursor!r} is no cursor; pass next_cursor of the page before") from error
    if found.listing != _listing(wanted, order):
        raise ValueError(f"cursor {cursor!r} belongs to a listing with another filter or order; begin without a cursor")
    return found.key


def _listing(wanted: RunFilter, order: RunOrder) -> str:
    meaning = sorted((criterion.check, msgspec.json.encode(criterion.values)) for criterion in criteria(wanted))
    text = msgspec.json.encode((order, meaning))
    return base64.urlsafe_b64encode(hashlib.sha256(text).digest()[:_BYTES]).decode()
