"""JSON (RFC 8259)."""

from __future__ import annotations

import json
from typing import Any

from maestro_core_config._sources._unparsable import UnparsableError


def parse(text: str) -> Any:
    """Read a text.

    Args:
        text: The text; an empty one holds nothing.

    Returns:
        Its value; None for an empty text.

    Raises:
        UnparsableError: It is no JSON, or an object has a name twice.
    """
    if not text.strip():
        return None
    try:
        return json.loads(text, object_pairs_hook=_object)
    except json.JSONDecodeError as error:
        raise UnparsableError(f"is no JSON: {error.msg}", error.lineno) from None
    except RecursionError:
        raise UnparsableError("is nested too deep") from None


def lines(_text: str) -> dict[tuple[str, ...], int]:
    """Return nothing: the parser does not tell lines."""
    return {}


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise UnparsableError(f"has {name!r} twice in one object")
        found[name] = value
    return found
