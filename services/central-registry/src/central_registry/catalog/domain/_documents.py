"""Documents as bytes that are always the same for the same content."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from central_registry.domain import Fault

from ._entries import DocumentInfo
from ._errors import InvalidEntryError

_TEXT_SHOWN = 200


class Document(NamedTuple):
    """A document, ready to be kept."""

    info: DocumentInfo
    content: bytes
    """Canonical JSON."""


def document(field: str, value: Mapping[str, Any], max_bytes: int) -> Document:
    """Make a document ready to be kept.

    Args:
        field: Its name on the wire, for faults.
        value: The document.
        max_bytes: How long its JSON may be.

    Returns:
        The document.

    Raises:
        InvalidEntryError: It is too long, or cannot be written as JSON.
    """
    content = canonical(field, value, max_bytes)
    info = value.get("info")
    shown = info if isinstance(info, Mapping) else {}
    digest = hashlib.sha256(content).hexdigest()
    title, version = (_text(shown.get(name)) for name in ("title", "version"))
    return Document(DocumentInfo(digest, len(content), title, version), content)


def canonical(field: str, value: Mapping[str, Any], max_bytes: int) -> bytes:
    """Write a JSON object in the one way that its content allows.

    Args:
        field: Its name on the wire, for faults.
        value: The object.
        max_bytes: How long it may be.

    Returns:
        UTF-8 JSON with sorted keys and without spaces.

    Raises:
        InvalidEntryError: It is too long, or cannot be written as JSON.
    """
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"))
        content = text.encode()
    except (ValueError, RecursionError) as error:
        reason = "is nested too deeply" if isinstance(error, RecursionError) else f"cannot be written as JSON ({error})"
        raise InvalidEntryError([Fault(field, reason.encode(errors="replace").decode())]) from error
    if len(content) > max_bytes:
        raise InvalidEntryError([Fault(field, f"has {len(content)} bytes; at most {max_bytes} are allowed")])
    return content


def _text(value: object) -> str:
    return value[:_TEXT_SHOWN] if isinstance(value, str) else ""
