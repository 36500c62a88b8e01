"""What the files of a configuration hold, to see whether it has changed."""

from __future__ import annotations

import os
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

from maestro_core_config._faults import ConfigFault
from maestro_core_config._reading import Reading


def digest_of(reading: Reading) -> bytes:
    """Return a digest of what was looked at: names in folders, and contents of files.

    Contents are compared and not times, because those say nothing after a replaced link and too little within one tick of the clock.

    Args:
        reading: What was read.
    """
    digest = sha256()
    for path in sorted({*reading.watched, *map(Path, reading.found)}):
        digest.update(f"\0{path}\0".encode())
        digest.update(_content(path))
    return digest.digest()


def disappeared(before: Iterable[str], now: Iterable[str]) -> tuple[ConfigFault, ...]:
    """Find files that were there and are gone, whose values would fall back to defaults without anybody having said so.

    Args:
        before: The files that were there.
        now: The files that are there. One of the same name in another format takes a file's place.

    Returns:
        A fault for each.
    """
    stems = {_stem(file) for file in now}
    hint = "put it back; an empty file takes its settings back, and so does the next start"
    return tuple(ConfigFault("", file, "has disappeared", hint) for file in sorted(before) if _stem(file) not in stems)


def _stem(file: str) -> str:
    return str(Path(file).with_suffix(""))


def _content(path: Path) -> bytes:
    try:
        return "\0".join(sorted(os.listdir(path))).encode() if path.is_dir() else path.read_bytes()  # noqa: PTH208 - names
    except OSError as error:
        return (error.strerror or "").encode()
