"""The licence texts that a distribution ships: which files hold them, and their text whatever its encoding."""

from __future__ import annotations

import codecs
import csv
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dependency_review._metadata import read_metadata

MOST_BYTES = 256 * 1024
"""Read of one file, in bytes."""
MOST_BYTES_IN_ALL = 512 * 1024
"""Read of one distribution, in bytes."""
MOST_FILES = 100
"""Read of one distribution."""

_NAMED = re.compile(r"(?:un)?licen[cs]e|copying|notice", re.IGNORECASE)
_CODE = re.compile(r"\.(?:py[cdi]?|so|pyd|js|css|html?|json|png|svg)\Z", re.IGNORECASE)
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True, slots=True)
class LicenseText:
    """One licence file."""

    name: str
    """Its path, from the metadata folder; from site-packages for a file of the package itself."""
    text: str
    """Its content, with plain line feeds at line ends."""
    encoding: str
    """What it was decoded from."""


@dataclass(frozen=True, slots=True)
class LicenseTexts:
    """The licence texts of one distribution."""

    texts: tuple[LicenseText, ...] = ()
    """Each content once, by name."""
    notes: tuple[str, ...] = ()
    """Files that were not read, or not in full."""


def read_license_texts(metadata_path: str) -> LicenseTexts:
    """Read the licence texts that a distribution ships.

    Looked at are the files that the metadata declares (License-File), everything under `licenses/`, and files named
    LICENSE, COPYING, NOTICE or alike beside the metadata. Where there is none, those in the top folders of its packages.

    Args:
        metadata_path: The distribution's metadata folder.

    Returns:
        The texts. A file outside the distribution's own folders is never read, whatever the metadata says.

    Raises:
        DistributionNotFoundError: There is no distribution's metadata at that path.
        OSError: The metadata cannot be read.
    """
    folder = Path(metadata_path).resolve()
    metadata = read_metadata(folder)
    if not folder.is_dir():
        return LicenseTexts()
    declared = metadata.fields.get("license_files", [])
    notes = [f"License-File {name!r} is missing" for name in declared if _locate(folder, name) is None]
    files = {path: path.relative_to(folder).as_posix() for path in _beside_metadata(folder, declared)}
    if not files:
        files = {path: path.relative_to(folder.parent).as_posix() for path in _in_packages(folder)}
    return _read_all(files, notes)


def decode(data: bytes) -> tuple[str, str] | None:
    """Turn the bytes of a text file into text.

    Args:
        data: The bytes.

    Returns:
        The text with plain line feeds at line ends, and the encoding; None when the bytes are no text.
    """
    encodings = [name for mark, name in _MARKS if data.startswith(mark)] or ["utf-8", "cp1252", "latin-1"]
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            return None
        return text.replace("\r\n", "\n").replace("\r", "\n"), encoding
    return None


def _beside_metadata(folder: Path, declared: list[str]) -> Iterator[Path]:
    found = [path for name in declared if (path := _locate(folder, name)) is not None]
    found += (folder / "licenses").rglob("*")
    found += (path for path in folder.iterdir() if _NAMED.match(path.name))
    yield from _own_files(sorted(found), folder)


def _locate(folder: Path, name: str) -> Path | None:
    """Find a declared licence file: under `licenses/` (PEP 639), or flat beside the metadata as older tools leave it."""
    candidates = (folder / "licenses" / name, folder / name, folder / Path(name).name)
    return next((path for path in candidates if path.is_file() and path.resolve().is_relative_to(folder)), None)


def _in_packages(folder: Path) -> Iterator[Path]:
    """Yield licence files of the installed packages themselves, no deeper than a top-level package."""
    record = folder / "RECORD"
    if not record.is_file():
        return
    with record.open(encoding="utf-8", errors="replace", newline="") as file:
        names = [row[0] for row in csv.reader(line.replace("\0", "") for line in file) if row]
    site = folder.parent
    paths = sorted(site / name for name in names if name.count("/") <= 1 and _is_license_file(name))
    yield from _own_files(paths, site)


def _is_license_file(name: str) -> bool:
    file = name.rpartition("/")[2]
    return _NAMED.match(file) is not None and _CODE.search(file) is None


def _own_files(paths: list[Path], root: Path) -> Iterator[Path]:
    for path in dict.fromkeys(paths):
        if path.is_file() and path.resolve().is_relative_to(root):
            yield path


def _read_all(files: dict[Path, str], notes: list[str]) -> LicenseTexts:
    texts: list[LicenseText] = []
    seen: set[bytes] = set()
    left = MOST_BYTES_IN_ALL
    for path, name in files.items():
        if left <= 0 or len(texts) >= MOST_FILES:
            notes.append(f"{name} was not read: the distribution ships more text than is looked at")
            continue
        limit = min(MOST_BYTES, left)
        try:
            with path.open("rb") as file:
                data = file.read(limit + 1)
        except OSError as error:
            notes.append(f"{name} cannot be read: {error.strerror or error}")
            continue
        fingerprint = hashlib.sha256(data).digest()
        if fingerprint in seen:
            continue
        seen.add(fingerprint)
        if len(data) > limit:
            notes.append(f"{name} was read up to {limit} bytes")
        decoded = decode(_whole_characters(data, limit))
        if decoded is None:
            notes.append(f"{name} is no text")
        elif decoded[0].strip():
            texts.append(LicenseText(name, *decoded))
            left -= min(len(data), limit)
    return LicenseTexts(tuple(texts), tuple(notes))


def _whole_characters(data: bytes, limit: int) -> bytes:
    """Cut at a line end, so that no character is cut in two; bytes within the limit stay as they are."""
    if len(data) <= limit:
        return data
    cut = data[:limit]
    end = cut.rfind(b"\n")
    return cut[: end + 1] if end > 0 and not data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else cut
