"""Files of the dashboard: which one a path means, how it is encoded, how long it may be kept. No I/O but looking."""

import mimetypes
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

INDEX: Final = "index.html"
_SUFFIXES: Final = {"br": ".br", "zstd": ".zst", "gzip": ".gz"}
"""Encodings in order of preference, and the endings of files that are in them."""
_HASHED: Final = re.compile(r"[-.](?=[A-Za-z0-9_-]*[0-9A-Z])[A-Za-z0-9_-]{8,}\.[a-z0-9]{2,8}(?:\.map)?$")
"""A name that changes with the content, as bundlers make it: `index-BsD3kq2A.js`."""
_IMMUTABLE: Final = "public, max-age=31536000, immutable"
_ASK_EACH_TIME: Final = "no-cache"
_LONGEST: Final = 1_024
_TYPES: Final = {
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".json": "application/json",
    ".map": "application/json",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
    ".wasm": "application/wasm",
    ".woff2": "font/woff2",
}


@dataclass(frozen=True, slots=True)
class Found:
    """A file to answer with."""

    path: Path
    """Where it is, encoded or not."""
    media_type: str
    """What is in it."""
    encoding: str | None
    """How it is encoded."""
    cache_control: str
    """How long it may be kept."""


def find(folder: Path, path: str, accept_encoding: str) -> Found | None:
    """Find the file that a path means.

    Args:
        folder: The dashboard's folder.
        path: The path below it, decoded.
        accept_encoding: What encodings the client takes.

    Returns:
        The file; the application's page for a path that names no file (its own routes); None for a file that is not there.
    """
    wanted = _inside(folder, path)
    if wanted is None:
        if Path(path).suffix and not path.endswith("/"):
            return None
        wanted = _inside(folder, INDEX)
    if wanted is None:
        return None
    is_page = wanted.suffix == ".html"
    media = _TYPES.get(wanted.suffix) or mimetypes.guess_type(wanted.name)[0] or "application/octet-stream"
    keep = _IMMUTABLE if not is_page and _HASHED.search(wanted.name) else _ASK_EACH_TIME
    for encoding in accepted(accept_encoding):
        beside = wanted.with_name(wanted.name + _SUFFIXES[encoding])
        if _is_inside(folder, beside):
            return Found(beside, media, encoding, keep)
    return Found(wanted, media, None, keep)


def accepted(header: str) -> list[str]:
    """Return the encodings that a client takes and that files may have, best first (RFC 9110, 12.5.3)."""
    weights: dict[str, float] = {}
    for part in header.lower().split(","):
        name, _, options = part.strip().partition(";")
        weights[name.strip()] = _weight(options)
    rest = weights.get("*", 0.0)
    offered = [(weights.get(encoding, rest), encoding) for encoding in _SUFFIXES]
    return [encoding for weight, encoding in sorted(offered, key=lambda pair: -pair[0]) if weight > 0]


def _weight(options: str) -> float:
    for option in options.split(";"):
        name, _, value = option.strip().partition("=")
        if name.strip() == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0


def _inside(folder: Path, path: str) -> Path | None:
    """Return the file of a path; None when there is none, or it is not in the folder."""
    if len(path) > _LONGEST or "\0" in path or "\\" in path:
        return None
    parts = [part for part in path.split("/") if part]
    if not parts or any(part.startswith(".") for part in parts):
        return None
    found = folder.joinpath(*parts)
    return found if found.suffix not in _SUFFIXES.values() and _is_inside(folder, found) else None


def _is_inside(folder: Path, path: Path) -> bool:
    try:
        # Links are followed first: one that leads out of the folder is not in it.
        real = path.resolve(strict=True)
        return real.is_file() and real.is_relative_to(folder.resolve())
    except (OSError, ValueError):
        return False
