"""The fields of a line: which may stand as they are, which are masked, which are renamed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from maestro_core_logging._masking import MASKER
from maestro_core_logging._plain import HARMLESS

# What every line says of itself. A field of that name gets an underscore behind it, so that neither is lost.
_TAKEN_KEYS: Final = frozenset({"timestamp", "level", "logger", "event", "exception"})
# What tells a call what to do; elsewhere they are fields like others.
_INSTRUCTIONS: Final = frozenset({"exc_info", "stack_info"})
_LARGEST_PLAIN: Final = 10**12  # larger ones may be the number of a card


def add_known(line: dict[str, Any], fields: Mapping[str, Any]) -> bool:
    """Add fields whose keys are all known to be harmless; this is the way of nearly every line.

    Args:
        line: The line to add to.
        fields: The fields as a caller gave them.

    Returns:
        Whether they were added; not when one of the keys has to be judged.
    """
    if not MASKER.plain_keys.issuperset(fields):
        return False
    line.update(fields)
    texts = MASKER.clean_texts
    for key, value in fields.items():
        kind = type(value)
        if kind is str:
            if value not in texts:
                line[key] = MASKER.text(value)
        elif kind not in HARMLESS and not (kind is int and -_LARGEST_PLAIN < value < _LARGEST_PLAIN):
            line[key] = MASKER.plain(value)
    return True


def add_fields(line: dict[str, Any], fields: Mapping[str, Any]) -> None:
    """Add fields to a line, cleaned.

    Args:
        line: The line to add to.
        fields: The fields as a caller gave them.
    """
    for key, value in fields.items():
        if MASKER.is_secret_key(key):
            line[key] = MASKER.named(key, value)
        elif key in _TAKEN_KEYS:
            line[f"{key}_"] = MASKER.plain(value)
        else:
            line[key] = MASKER.plain(value)
            if key not in _INSTRUCTIONS:
                MASKER.remember_key(key)


def clean(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return fields cleaned, once for the many lines that will carry them.

    Args:
        fields: The fields as a caller gave them.

    Returns:
        Their copy.
    """
    cleaned: dict[str, Any] = {}
    if not add_known(cleaned, fields):
        add_fields(cleaned, fields)
    return cleaned
