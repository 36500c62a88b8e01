"""Described exceptions as people know them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

_CAUSE: Final = "The above exception was the direct cause of the following exception:"
_CONTEXT: Final = "During handling of the above exception, another exception occurred:"
_LIBRARIES: Final = ("site-packages", "/lib/python3", "<frozen ")


def traceback_lines(told: Mapping[str, Any]) -> Iterator[tuple[str, bool]]:
    """Write a described exception like Python does: what caused it first, the exception itself last.

    Args:
        told: What `described` returned.

    Yields:
        Lines without ends, and whether they tell of a library's frame; people look for their own. What was logged may stand in
        them, line ends included.
    """
    for kind, words in (("cause", _CAUSE), ("context", _CONTEXT)):
        if before := told.get(kind):
            yield from traceback_lines(before)
            yield from (("", False), (words, False), ("", False))
    if told["stacktrace"]:
        yield "Traceback (most recent call last):", False
    for frame in told["stacktrace"]:
        yield from _frame(frame)
    yield f"{told['type']}: {told['message']}" if told["message"] else told["type"], False
    yield from ((note, False) for note in told.get("notes", ()))
    members = told.get("exceptions", ())
    for number, member in enumerate(members, 1):
        yield f"  +---------------- {number} of {len(members)} ----------------", False
        if "omitted" in member:
            yield f"  | {member['omitted']} more exceptions", False
            continue
        for line, is_library in traceback_lines(member):
            yield f"  | {line}", is_library
    if members:
        yield "  +------------------------------------", False


def traceback_text(told: Mapping[str, Any]) -> str:
    """Write a described exception as one text.

    Args:
        told: What `described` returned.

    Returns:
        Its lines, without an end behind the last one.
    """
    return "\n".join(line for line, _ in traceback_lines(told))


def _frame(frame: Mapping[str, Any]) -> Iterator[tuple[str, bool]]:
    if "omitted" in frame:
        yield f"  [{frame['omitted']} frames left out]", True
        return
    is_library = any(part in frame["file"] for part in _LIBRARIES)
    yield f'  File "{frame["file"]}", line {frame["line"]}, in {frame["function"]}', is_library
    if frame["code"]:
        yield f"    {frame['code']}", is_library
    for name, value in frame.get("locals", {}).items():
        yield f"      {name} = {value!r}", is_library
