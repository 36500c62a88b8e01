"""Entity tags (RFC 9110, 8.8.3): how they are made, read and compared. Rules only: no requests."""

import hashlib
import re
from typing import Final

_TAG: Final = re.compile(r'(W/)?"([\x21\x23-\x7e\x80-\xff]*)"')
_SEPARATOR: Final = re.compile(r"[ \t]*,[ \t,]*")
ANY: Final = "*"


def etag(value: str | int | bytes) -> str:
    """Make a strong entity tag.

    Args:
        value: What changes whenever the representation does: a version, or the representation itself as bytes, of which the tag is
            a hash.

    Returns:
        The tag, with its quotes.

    Raises:
        ValueError: The version holds characters that a tag cannot have.
    """
    if isinstance(value, bytes):
        return f'"{hashlib.sha256(value).hexdigest()[:32]}"'
    tag = f'"{value}"'
    if not _TAG.fullmatch(tag):
        raise ValueError("an entity tag is made of visible characters without quotes and blanks")
    return tag


def weak_etag(value: str | int) -> str:
    """Make a weak entity tag: for representations that may differ in their bytes and still mean the same.

    Args:
        value: What changes whenever the meaning does.

    Returns:
        The tag, with `W/` and quotes. It never satisfies `If-Match`.

    Raises:
        ValueError: The value holds characters that a tag cannot have.
    """
    return f"W/{etag(str(value))}"


def tags_of(header: str) -> list[str] | None:
    """Read a list of entity tags.

    Args:
        header: Value of `If-Match` or `If-None-Match`.

    Returns:
        The tags, or `["*"]`; None when it is neither.
    """
    text = header.strip(" \t,")
    if text == ANY:
        return [ANY]
    tags, at = [], 0
    while at < len(text):
        match = _TAG.match(text, at)
        if match is None:
            return None
        tags.append(match[0])
        separator = _SEPARATOR.match(text, match.end())
        if separator is None and match.end() < len(text):
            return None
        at = match.end() if separator is None else separator.end()
    return tags


def matches_strongly(tags: list[str], current: str | None) -> bool:
    """Tell whether `If-Match` holds (RFC 9110, 13.1.1).

    Args:
        tags: Its tags.
        current: Tag of the representation; None when there is none.

    Returns:
        True when it does.
    """
    return current is not None and (tags == [ANY] or (not current.startswith("W/") and current in tags))


def matches_weakly(tags: list[str], current: str | None) -> bool:
    """Tell whether `If-None-Match` names the representation (RFC 9110, 13.1.2).

    Args:
        tags: Its tags.
        current: Tag of the representation; None when there is none.

    Returns:
        True when it does, and the condition fails.
    """
    if current is None:
        return False
    return tags == [ANY] or current.removeprefix("W/") in {tag.removeprefix("W/") for tag in tags}
