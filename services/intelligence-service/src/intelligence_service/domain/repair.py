"""Find the JSON in what a model says."""

import json
import re
from typing import Any, Final

from pydantic import JsonValue

_FENCED: Final = re.compile(r"```[a-zA-Z]*\s*\n?(.*?)```", re.DOTALL)
_TRAILING_COMMA: Final = re.compile(r",(\s*[}\]])")
_MOST_STARTS: Final = 50
"""Openings that are tried: a long text of braces must not take quadratic time."""


def json_in(text: str) -> JsonValue:
    """Read the JSON value in an answer.

    Models wrap it in a Markdown fence, write words before and after it, or leave a comma before a closing bracket.
    Nothing is made up: a value that was cut off stays unreadable.

    Args:
        text: The answer.

    Returns:
        The value: the whole text when it is JSON, else that of a fence, else the longest object or list in it.

    Raises:
        ValueError: There is none; the message tells what is wrong with the text as it stands.
    """
    try:
        return _value(text)
    except ValueError as error:
        for candidate in _FENCED.findall(text):
            try:
                return _value(_without_trailing_commas(candidate))
            except ValueError:
                continue
        found = _longest(_without_trailing_commas(text))
        if found is None:
            raise error from None
        return found


def _value(text: str) -> JsonValue:
    value: JsonValue = json.loads(text.strip(), parse_constant=_refuse)
    return value


def _longest(text: str) -> JsonValue:
    decoder = json.JSONDecoder(parse_constant=_refuse)
    best: JsonValue = None
    longest = at = 0
    for _ in range(_MOST_STARTS):
        start = min((place for place in (text.find("{", at), text.find("[", at)) if place >= 0), default=-1)
        if start < 0:
            break
        try:
            value, end = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            at = start + 1
            continue
        if end - start > longest:
            best, longest = value, end - start
        at = end
    return best


def _without_trailing_commas(text: str) -> str:
    """Drop commas before closing brackets, outside of strings."""
    parts = re.split(r'("(?:[^"\\]|\\.)*")', text)
    return "".join(part if part.startswith('"') else _TRAILING_COMMA.sub(r"\1", part) for part in parts)


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")
