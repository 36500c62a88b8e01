"""The fields of a line: which may stand as they are, which are masked, which are renamed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from maestro_core_logging._masking import MASK, is_secret_key, masked

# What every line says of itself. A field of that name gets an underscore behind it, so that neither is lost.
_TAKEN_KEYS: Final = frozenset({"timestamp", "level", "logger", "event", "exception"})
# Values that need no look inside. Subclasses do: only the exact type is known to be harmless.
_PLAIN_TYPES: Final = frozenset({str, int, float, bool, type(None)})
_MOST_KEYS: Final = 10_000

# Keys are few, because they stand in source code, and lines are many: each key is judged once. This is a memory of a pure
# function and no state.
_plain_keys: Final[set[str]] = set()


def add_fields(line: dict[str, Any], fields: Mapping[str, Any]) -> None:
    """Add fields to a line, cleaned.

    Args:
        line: The line to add to.
        fields: The fields as a caller gave them.
    """
    if is_plain(fields):
        line.update(fields)
        return
    for key, value in fields.items():
        if is_secret_key(key):
            line[key] = None if value is None else MASK
        elif key in _TAKEN_KEYS:
            line[f"{key}_"] = masked(value)
        else:
            line[key] = masked(value)
            if len(_plain_keys) < _MOST_KEYS:
                _plain_keys.add(key)


def is_plain(fields: Mapping[str, Any]) -> bool:
    """Tell whether fields are known to need no cleaning."""
    return _plain_keys.issuperset(fields) and _PLAIN_TYPES.issuperset(map(type, fields.values()))


def clean(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return fields cleaned, once for the many lines that will carry them.

    Args:
        fields: The fields as a caller gave them.

    Returns:
        Their copy.
    """
    cleaned: dict[str, Any] = {}
    add_fields(cleaned, fields)
    return cleaned
