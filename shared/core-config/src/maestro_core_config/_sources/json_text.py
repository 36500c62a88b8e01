"""JSON (RFC 8259)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from maestro_core_config._sources._unparsable import UnparsableError

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+|\n')


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


def lines(text: str) -> dict[tuple[str, ...], int]:
    """Return where each value stands.

    Args:
        text: A text that can be read.

    Returns:
        Line of the name (or of the list's item) by path, counted from 1.
    """
    found: dict[tuple[str, ...], int] = {}
    tokens = _tokens(text)
    _walk(next(tokens), tokens, (), found)
    return found


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise UnparsableError(f"has {name!r} twice in one object")
        found[name] = value
    return found


def _tokens(text: str) -> Iterator[tuple[str, int]]:
    line = 1
    for match in _TOKEN.finditer(text):
        if match[0] == "\n":
            line += 1
        else:
            yield match[0], line


def _walk(
    token: tuple[str, int],
    tokens: Iterator[tuple[str, int]],
    path: tuple[str, ...],
    found: dict[tuple[str, ...], int],
) -> None:
    """Go through one value, whose first token has been taken."""
    if token[0] == "{":
        while (name := next(tokens))[0] != "}":
            if name[0] != ",":
                here = (*path, json.loads(name[0]))
                found[here] = name[1]
                next(tokens)  # the colon
                _walk(next(tokens), tokens, here, found)
    elif token[0] == "[":
        index = 0
        while (item := next(tokens))[0] != "]":
            if item[0] != ",":
                found[(*path, str(index))] = item[1]
                _walk(item, tokens, (*path, str(index)), found)
                index += 1
