"""How paths are matched and put in order. A template has parameters: `/orders/{id}` for one segment, `{rest:path}` for all that follow."""

import re
from typing import Final

_PARAMETER: Final = re.compile(r"\{[A-Za-z0-9_]+\}")
_LITERAL, _MIXED, _ANY, _REST = range(4)
_END_EXACT: Final = (-1, "")
_END_PREFIX: Final = (9, "")

Precedence = tuple[tuple[int, str], ...]


def segments(path: str) -> list[str]:
    """Take a path apart.

    Args:
        path: Path or template.

    Returns:
        Its segments, without empty ones.
    """
    return [segment for segment in path.split("/") if segment]


def is_literal(path: str) -> bool:
    """Tell whether a path has no parameters."""
    return "{" not in path


def precedence(path: str, *, is_prefix: bool) -> Precedence:
    """Return what paths are sorted by, so that of several that match, the most particular comes first.

    Segment by segment text comes before parameters, and whatever goes on before what ends as a prefix.

    Args:
        path: Path or template.
        is_prefix: Whether paths below it belong to it too.

    Returns:
        A key; equal ones mean the same paths.
    """
    return (*map(_rank, segments(path)), _END_PREFIX if is_prefix else _END_EXACT)


def regex(path: str, *, is_prefix: bool) -> str:
    """Return the regular expression (RE2) that matches whole paths.

    Args:
        path: Path or template.
        is_prefix: Whether paths below it belong to it too.

    Returns:
        The expression, without anchors.
    """
    parts = []
    for segment in segments(path):
        if segment.endswith(":path}"):
            parts.append("/.*")
            continue
        literals = [re.escape(text) for text in _PARAMETER.split(segment)]
        parts.append("/" + "[^/]+".join(literals))
    whole = "".join(parts)
    if is_prefix:
        return f"{whole}(?:/.*)?"
    return f"{whole}/" if path.endswith("/") else whole


def _rank(segment: str) -> tuple[int, str]:
    if segment.endswith(":path}"):
        return _REST, ""
    if _PARAMETER.fullmatch(segment):
        return _ANY, ""
    if "{" in segment:
        return _MIXED, _PARAMETER.sub("{}", segment)
    return _LITERAL, segment
