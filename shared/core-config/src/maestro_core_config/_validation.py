"""What validation says, turned into faults that name their source."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError

from maestro_core_config._faults import ConfigFault
from maestro_core_config._merging import DEFAULT, contributions
from maestro_core_config._secrets import secrets_of
from maestro_core_config._settings import Settings
from maestro_core_config._sources._layer import Layer, Path

NOWHERE = "nowhere"
TOGETHER = "the settings together"
_SHORTEST_SECRET, _SHORTEST_VALUE = 2, 4  # shorter texts are words of a message by chance
_SURELY_QUOTED = 8


def faults_of(
    error: ValidationError, settings: Settings, layers: Sequence[Layer], values: dict[str, Any], how_to_set: str
) -> list[ConfigFault]:
    """Turn a validation error into faults.

    Args:
        error: What validation said.
        settings: The configuration's settings.
        layers: Where values came from, highest first.
        values: What was validated.
        how_to_set: How a missing setting is given, with `{variable}` and `{field}` for its names.

    Returns:
        One fault per setting at fault; the branches of a union are told together.
    """
    told: dict[tuple[str, str], list[str]] = {}
    hints: dict[str, str] = {}
    for detail in error.errors(include_url=False, include_context=True, include_input=False):
        path, is_missing = _path(detail["loc"], settings, values), detail["type"] == "missing"
        field = ".".join(map(str, path))
        source = NOWHERE if is_missing and len(path) == 1 else source_of(path, layers, settings) if path else TOGETHER
        messages = told.setdefault((field, source), [])
        message = (
            "is required and not set" if is_missing else _told(detail["msg"], _unspeakable(path, settings, values))
        )
        if message not in messages:
            messages.append(message)
        hints.setdefault(field, _hint(path, detail["type"], values, how_to_set))
    return [
        ConfigFault(field, source, ", or ".join(said), hints.get(field, "")) for (field, source), said in told.items()
    ]


def _hint(path: Path, kind: str, values: Any, how_to_set: str) -> str:
    if kind == "missing" and all(isinstance(part, str) for part in path):
        return how_to_set.format(variable="__".join(map(str, path)).upper(), field=".".join(map(str, path)))
    if kind == "string_type":
        return "put it in quotes"
    if any(text.startswith("tcp://") for text in _texts(values, path)):
        return "Kubernetes sets such variables for each Service; `enableServiceLinks: false` in the pod's spec stops it"
    return ""


def source_of(path: Path, layers: Sequence[Layer], settings: Settings) -> str:
    """Tell which source gives a value.

    Args:
        path: The value's path.
        layers: Highest first.
        settings: What there is.

    Returns:
        The place in the highest layer that has the value, or the nearest thing around it; "default" when none has.
    """
    for end in range(len(path), 0, -1):
        for layer, _value in contributions(path[:end], layers, settings):
            return layer.place(path)
    return DEFAULT


def _path(location: tuple[int | str, ...], settings: Settings, values: Any) -> Path:
    """Leave out what validation puts into a location beside names: the branches of unions."""
    path: list[str | int] = []
    inner: Any = values
    for position, part in enumerate(location):
        key = settings.names.get(str(part), part) if position == 0 else part
        found, inner_value = _step(inner, key)
        is_missing_part = position == len(location) - 1 and isinstance(inner, dict) and str(key).isidentifier()
        if found:
            inner = inner_value
        elif position > 0 and not is_missing_part:
            continue
        path.append(key)
    return tuple(path)


def _step(values: Any, key: str | int) -> tuple[bool, Any]:
    if isinstance(values, dict) and key in values:
        return True, values[key]
    if isinstance(values, list) and isinstance(key, int) and key < len(values):
        return True, values[key]
    return False, None


def _unspeakable(path: Path, settings: Settings, values: dict[str, Any]) -> list[str]:
    """Return what a message must not repeat: every secret, and the value at fault."""
    secrets = [text for _path, text in secrets_of(settings, values) if len(text) >= _SHORTEST_SECRET]
    at_fault = [text for text in _texts(values, path) if len(text) >= _SHORTEST_VALUE] if path else []
    return secrets + at_fault


def _texts(values: Any, path: Path) -> list[str]:
    for part in path:
        _found, values = _step(values, part)
    return _leaves(values)


def _leaves(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for inner in value.values() for text in _leaves(inner)]
    if isinstance(value, (list, tuple)):
        return [text for inner in value for text in _leaves(inner)]
    return [value] if isinstance(value, str) and value else []


def _told(message: str, unspeakable: list[str]) -> str:
    """Word a message as the rest of a sentence that begins with the setting's name; leave values out of it."""
    message = message.removeprefix("Value error, ").removeprefix("Assertion failed, ").removeprefix("Input ")
    variants = {variant for text in unspeakable for variant in (text, text.strip()) if variant}
    for text in sorted(variants, key=len, reverse=True):
        # A short text may be part of one of the message's own words.
        pattern = re.escape(text) if len(text) >= _SURELY_QUOTED else rf"(?<!\w){re.escape(text)}(?!\w)"
        message = re.sub(pattern, "…", message, flags=re.IGNORECASE)
    return message[:1].lower() + message[1:]
