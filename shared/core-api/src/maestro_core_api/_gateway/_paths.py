"""Paths of public routes: what they may look like. `/orders/{id}` has a parameter for one segment, `{rest:path}` for all that follow."""

import re
from typing import Annotated, Final

from pydantic import AfterValidator

_SEGMENT: Final = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-F]{2}|\{[A-Za-z_][A-Za-z0-9_]*\})+")
_REST: Final = re.compile(r"\{[A-Za-z_][A-Za-z0-9_]*:path\}")
_CONVERTER: Final = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*):(?!path\})[a-z]+\}")
_MAX_CHARS: Final = 512


def plain_template(path: str) -> str:
    """Write a framework's template the way that routes are declared: of its converters only `path` says something to a gateway.

    Args:
        path: The template, such as `/orders/{number:int}`.

    Returns:
        The same with plain parameters: `/orders/{number}`.
    """
    return _CONVERTER.sub(r"{\1}", path)


def check_path(path: str) -> str:
    """Refuse a path that no gateway could tell apart reliably.

    Args:
        path: Path or template.

    Returns:
        The same path.

    Raises:
        ValueError: It says what is wrong.
    """
    if not path.startswith("/"):
        raise ValueError("a path begins with '/'")
    if len(path) > _MAX_CHARS:
        raise ValueError(f"a path has at most {_MAX_CHARS} characters")
    if path == "/":
        return path
    segments = path[1:].split("/")
    if segments[-1] == "":
        segments.pop()
    for number, segment in enumerate(segments):
        if segment in {"", ".", ".."}:
            raise ValueError(f"{path!r} has an empty or relative segment; gateways take those out before they look")
        if _REST.fullmatch(segment):
            if number < len(segments) - 1:
                raise ValueError(f"{segment} takes all that follows, so that it must come last")
        elif not _SEGMENT.fullmatch(segment):
            raise ValueError(f"{segment!r} is neither plain text nor a parameter such as {{id}}")
    return path


Path = Annotated[str, AfterValidator(check_path)]
