"""Configuration files, found by name: per service and for all services, each also per profile, in YAML, TOML or JSON."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path as FilePath
from typing import Any

from maestro_core_config._faults import ConfigFault, did_you_mean
from maestro_core_config._sources import _toml_lines, json_text, toml_text
from maestro_core_config._sources._layer import Layer, Path
from maestro_core_config._sources._unparsable import UnparsableError


@dataclass(frozen=True, slots=True)
class _Format:
    parse: Callable[[str], Any]
    lines: Callable[[str], dict[tuple[str, ...], int]]


def _parse_yaml(text: str) -> Any:
    from maestro_core_config._sources import yaml_text  # noqa: PLC0415  4 MB that a service without YAML never needs

    return yaml_text.parse(text)


def _yaml_lines(text: str) -> dict[tuple[str, ...], int]:
    from maestro_core_config._sources import yaml_text  # noqa: PLC0415  as above

    return yaml_text.lines(text)


_YAML = _Format(_parse_yaml, _yaml_lines)
_FORMATS: Mapping[str, _Format] = {
    ".yaml": _YAML,
    ".yml": _YAML,
    ".toml": _Format(toml_text.parse, _toml_lines.lines),
    ".json": _Format(json_text.parse, json_text.lines),
}
_LOOKS_LIKE = {"prod": "production", "live": "production", "dev": "development", "local": "development"}


def read(folder: FilePath, name: str, names: Collection[str]) -> Layer:
    """Read the one file of a name in a folder.

    Args:
        folder: Where to look.
        name: The file's name without its suffix.
        names: What is in the folder.

    Returns:
        Its values by the names that the file uses; empty when there is no file. A file that cannot be used is a fault of
        the layer.
    """
    found = [folder / f"{name}{suffix}" for suffix in _FORMATS if f"{name}{suffix}" in names]
    if not found:
        return Layer()
    if len(found) > 1:
        listed = ", ".join(file.name for file in found)
        return _unusable(found, str(folder), f"holds several files for {name}: {listed}", "keep one of them")
    file = found[0]
    try:
        text = file.read_bytes().decode("utf-8-sig")
        values = _FORMATS[file.suffix].parse(text)
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        return _unusable(found, f"{file}:{line}", "is not UTF-8 text", "save it as UTF-8")
    except OSError as error:
        return _unusable(
            found, str(file), f"cannot be read: {error.strerror}", "check what it is and whom it belongs to"
        )
    except UnparsableError as error:
        return _unusable(found, f"{file}:{error.line}" if error.line else str(file), error.message)
    if values is None:
        return Layer(found=(str(file),))
    if not isinstance(values, dict):
        kind = "a list" if isinstance(values, list) else "a single value"
        return _unusable(
            found, f"{file}:1", f"holds {kind} where settings by name should stand", "write lines such as port: 8080"
        )
    return Layer(values, _Lines(file, text), found=(str(file),))


def misnamed(folder: FilePath, name: str, names: Collection[str], profiles: Collection[str]) -> Iterator[ConfigFault]:
    """Find files that were meant for a service and are called otherwise, so that nobody would read them.

    Args:
        folder: Where they are.
        name: The service's name.
        names: What is in the folder.
        profiles: The profiles there are.

    Yields:
        A fault for each, with the name that was probably meant.
    """
    for file in sorted(names):
        stem, dot, suffix = file.rpartition(".")
        if not dot or f".{suffix}" not in _FORMATS:
            continue
        base, _, profile = stem.partition(".")
        if base != name and base.lower().replace("_", "-") == name.lower().replace("_", "-"):
            hint = f"call it {name}{stem[len(base) :]}.{suffix}"
            yield ConfigFault("", str(folder / file), f"is not read: the service is called {name}", hint)
        elif base == name and profile and profile not in profiles:
            meant = _LOOKS_LIKE.get(profile.lower()) or did_you_mean(profile, profiles)[len("did you mean ") : -1]
            if meant:
                hint = f"call it {name}.{meant}.{suffix}"
                yield ConfigFault("", str(folder / file), f"is not read: there is no profile {profile}", hint)


def _unusable(found: list[FilePath], source: str, message: str, hint: str = "") -> Layer:
    return Layer(faults=[ConfigFault("", source, message, hint)], found=tuple(map(str, found)))


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
