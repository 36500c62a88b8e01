"""Where the text of a function is that is kept in a catalog, or at an address."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

_FILE = "function.yaml"
_AT = re.compile(r"(?P<path>.+?)@(?P<ref>[^@/]+)/?")


def raw_address(uri: str, path: str = "") -> str:
    """Return where a function's text is.

    Args:
        uri: The root of a catalog, or the address of a function. Pages of GitHub and GitLab are taken for the files they show
            (DSL 1.0.3, "File Structure").
        path: The path below the catalog's root; empty for a function's own address.

    Returns:
        The address of the text.
    """
    parts = urlsplit(uri)
    segments = [part for part in parts.path.split("/") if part]
    if parts.hostname == "github.com" and len(segments) >= 2:
        return _github(segments, path)
    if parts.hostname == "gitlab.com" and len(segments) >= 2:
        return _gitlab(uri, segments, path)
    return f"{uri.rstrip('/')}/{path}" if path else uri


def _github(segments: list[str], path: str) -> str:
    owner, repository, *rest = segments
    ref = "refs/heads/main"
    if rest[:1] in (["tree"], ["blob"]) and len(rest) > 1:
        ref, rest = (rest[1] if rest[1] == "refs" else f"refs/heads/{rest[1]}"), rest[2:]
    elif not path and (match := _AT.fullmatch("/".join(rest))):
        ref, rest = match["ref"], match["path"].split("/")
    place = [owner, repository.removesuffix(".git"), ref, *rest, *([path] if path else [])]
    whole = "https://raw.githubusercontent.com/" + "/".join(place)
    return whole if path or whole.endswith((".yaml", ".yml", ".json")) else f"{whole}/{_FILE}"


def _gitlab(uri: str, segments: list[str], path: str) -> str:
    project, mark, rest = "/".join(segments).partition("/-/")
    kind, _, place = rest.partition("/")
    if not mark or kind not in {"tree", "blob", "raw"}:
        place = "main"
    base = urlsplit(uri)
    whole = f"{base.scheme}://{base.netloc}/{project}/-/raw/{place.rstrip('/')}"
    return f"{whole}/{path}" if path else whole
