"""The fields of a line: which may stand as they are, which are masked, which are renamed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from maestro_core_logging._masking import MASKER
from maestro_core_logging._plain import HARMLESS

# What every line says of itself. A field of that name gets an underscore behind it, so that neither is lost.
_TAKEN_KEYS: Final = frozenset({"timestamp", "level", "logger", "event", "exception"})
_LARGEST_PLAIN: Final = 10**12  # larger ones may be the number of a card


def add_fields(line: dict[str, Any], fields: Mapping[str, Any]) -> None:
    """Add fields to a line, cleaned.

    Args:
        line: The line to add to.
        fields: The fields as a caller gave them.
    """
    keys, texts = MASKER.plain_keys, MASKER.clean_texts
    for key, value in fields.items():
        if key not in keys:
            _add_unknown(line, key, value)
            continue
        kind = type(value)
        if kind is str:
            line[key] = value if value in texts else MASKER.text(value)
        elif kind in HARMLESS or (kind is int and -_LARGEST_PLAIN < value < _LARGEST_PLAIN):
            line[key] = value
        else:
            line[key] = MASKER.plain(value)


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


def _add_unknown(line: dict[str, Any], key: str, value: Any) -> None:
    if MASKER.is_secret_key(key):
        line[key] = MASKER.named(key, value)
    elif key in _TAKEN_KEYS:
        line[f"{key}_"] = MASKER.plain(value)
    else:
        line[key] = MASKER.plain(value)
        MASKER.remember_key(key)
