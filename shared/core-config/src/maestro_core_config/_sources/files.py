"""Configuration files, found by name: one per service and one that services share, in YAML, TOML or JSON."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path as FilePath
from typing import Any, Protocol

from maestro_core_config._faults import ConfigFault
from maestro_core_config._sources import json_text, toml_text, yaml_text
from maestro_core_config._sources._layer import Layer, Path
from maestro_core_config._sources._unparsable import UnparsableError


class _Format(Protocol):
    """What each module of a format offers."""

    def parse(self, text: str, /) -> Any:
        """Read a text."""

    def lines(self, text: str, /) -> dict[tuple[str, ...], int]:
        """Return where each value stands."""


_FORMATS: Mapping[str, _Format] = {".yaml": yaml_text, ".yml": yaml_text, ".toml": toml_text, ".json": json_text}


def read(folder: FilePath, name: str) -> Layer:
    """Read the one file of a name in a folder.

    Args:
        folder: Where to look.
        name: The file's name without its suffix.

    Returns:
        Its values by the names that the file uses; empty when there is no file. A file that cannot be used is a fault of
        the layer.
    """
    found = [file for suffix in _FORMATS if (file := folder / f"{name}{suffix}").exists()]
    if not found:
        return Layer()
    if len(found) > 1:
        names = ", ".join(file.name for file in found)
        return _unusable(str(folder), f"holds several files for {name}: {names}", "keep one of them")
    file = found[0]
    try:
        text = file.read_bytes().decode("utf-8-sig")
        values = _FORMATS[file.suffix].parse(text)
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        return _unusable(f"{file}:{line}", "is not UTF-8 text", "save it as UTF-8")
    except OSError as error:
        return _unusable(str(file), f"cannot be read: {error.strerror}", "check what it is and whom it belongs to")
    except UnparsableError as error:
        return _unusable(f"{file}:{error.line}" if error.line else str(file), error.message)
    if values is None:
        return Layer()
    if not isinstance(values, dict):
        kind = "a list" if isinstance(values, list) else "a single value"
        return _unusable(
            f"{file}:1", f"holds {kind} where settings by name should stand", "write lines such as port: 8080"
        )
    return Layer(values, _Lines(file, text))


def _unusable(source: str, message: str, hint: str = "") -> Layer:
    return Layer(faults=[ConfigFault("", source, message, hint)])


class _Lines:
    """Finds lines in a file's text; only when asked, because most files are without fault."""

    def __init__(self, file: FilePath, text: str) -> None:
        self._file = file
        self._text = text

    @cached_property
    def _lines(self) -> dict[tuple[str, ...], int]:
        return _FORMATS[self._file.suffix].lines(self._text)

    def __call__(self, path: Path) -> str:
        names = tuple(map(str, path))  # YAML's keys may be numbers
        for end in range(len(names), 0, -1):
            if (line := self._lines.get(names[:end])) is not None:
                return f"{self._file}:{line}"
        return str(self._file)
