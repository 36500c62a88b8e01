"""Types, limits and units in words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic import Secret, SecretBytes, SecretStr

from maestro_core_config._marks import Unit
from maestro_core_config._shapes import branches_of

_WORDS: Mapping[Any, str] = {
    str: "text",
    int: "whole number",
    float: "number",
    Decimal: "number",
    bool: "true or false",
    bytes: "bytes",
    Path: "path",
    timedelta: "duration",
    datetime: "date and time",
    date: "date",
    type(None): "none",
    None: "none",
    Any: "anything",
    object: "anything",
}
_UNITS: Mapping[str, str] = {
    "ns": "nanoseconds", "us": "microseconds", "ms": "milliseconds", "s": "seconds", "seconds": "seconds", "minutes": "minutes",
    "hours": "hours", "days": "days", "bytes": "bytes", "kb": "kilobytes", "mb": "megabytes", "kib": "KiB", "mib": "MiB",
    "gib": "GiB", "percent": "percent", "ratio": "a part of 1", "hz": "hertz",
}  # fmt: skip
_LIMITS: Mapping[str, str] = {
    "gt": "more than {}",
    "ge": "at least {}",
    "lt": "less than {}",
    "le": "at most {}",
    "multiple_of": "a multiple of {}",
    "min_length": "of at least {}",
    "max_length": "of at most {}",
    "pattern": "matching {}",
}


def type_in_words(annotation: Any) -> str:
    """Describe a type.

    Args:
        annotation: The type.

    Returns:
        Such as "list of text" or "whole number or none".
    """
    return " or ".join(dict.fromkeys(_in_words(branch) for branch in branches_of(annotation)))


def choices_in_words(annotation: Any) -> tuple[str, ...]:
    """Return the values that a type lists one by one; empty when it does not."""
    return tuple(choice for branch in branches_of(annotation) for choice in _choices(branch))


def unit_of(name: str, annotation: Any, metadata: Iterable[Any]) -> str:
    """Return what a number counts.

    Args:
        name: The setting's name, whose last word may say it, as in `timeout_s`.
        annotation: Its type.
        metadata: What is said about it beside; a `Unit` wins over the name.

    Returns:
        Such as "seconds"; empty when it is not said.
    """
    for mark in metadata:
        if isinstance(mark, Unit):
            return mark.name
    kinds = set(branches_of(annotation))
    if timedelta in kinds:
        return "seconds"
    last = name.rpartition("_")[2]
    return _UNITS.get(last, "") if last != name and kinds & {int, float, Decimal} else ""


def limits_in_words(metadata: Iterable[Any]) -> Iterator[str]:
    """Describe what pydantic checks beside the type.

    Args:
        metadata: What is said about a field.

    Yields:
        Such as "at least 1".
    """
    for mark in metadata:
        for attribute, words in _LIMITS.items():
            if (limit := getattr(mark, attribute, None)) is not None and not isinstance(mark, type):
                yield words.format(limit.pattern if isinstance(limit, re.Pattern) else limit)


def _in_words(branch: Any) -> str:
    if branch in _WORDS:
        return _WORDS[branch]
    origin, arguments = get_origin(branch), [argument for argument in get_args(branch) if argument is not ...]
    if choices := _choices(branch):
        return "one of " + ", ".join(f"`{choice}`" for choice in choices)
    kind = origin or branch
    if isinstance(kind, type):
        if issubclass(kind, (SecretStr, SecretBytes, Secret)):
            return "secret"
        if issubclass(kind, Mapping):
            return f"{type_in_words(arguments[1])} by name" if len(arguments) == 2 else "mapping"
        if issubclass(kind, (list, tuple, set, frozenset)):
            word = "set" if issubclass(kind, (set, frozenset)) else "list"
            return f"{word} of " + ", ".join(dict.fromkeys(map(type_in_words, arguments))) if arguments else word
        for known, words in _WORDS.items():
            if isinstance(known, type) and known is not object and issubclass(kind, known):
                return words
        return kind.__name__
    return str(branch)


def _choices(branch: Any) -> tuple[str, ...]:
    if get_origin(branch) is Literal:
        values: Iterable[Any] = get_args(branch)
    elif isinstance(branch, type) and get_origin(branch) is None and issubclass(branch, Enum):
        values = branch
    else:
        return ()
    plain = (value.value if isinstance(value, Enum) else value for value in values)
    return tuple(str(value).lower() if isinstance(value, bool) else str(value) for value in plain)
