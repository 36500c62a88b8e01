"""Configuration files: YAML 1.2, TOML or JSON, found by name."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from maestro_core_config._faults import ConfigFault
from maestro_core_config._sources._layer import Layer, flatten

SUFFIXES = (".yaml", ".yml", ".toml", ".json")


def read(folder: Path, name: str) -> Layer:
    """Read the one file of a name in a folder.

    Args:
        folder: Where to look.
        name: The file's name without its suffix.

    Returns:
        Its values, each with its line where the format tells; empty when there is no file. A file that cannot be
        used is a fault of the layer.
    """
    found = [folder / f"{name}{suffix}" for suffix in SUFFIXES if (folder / f"{name}{suffix}").exists()]
    if not found:
        return Layer()
    if len(found) > 1:
        names = ", ".join(file.name for file in found)
        message = f"{folder} holds several files for {name}: {names}"
        return Layer(faults=[ConfigFault("", str(folder), message, "keep one of them")])
    file = found[0]
    try:
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        line = file.read_bytes()[: error.start].count(b"\n") + 1
        return _unusable(f"{file}:{line}", "it is not UTF-8 text")
    except OSError as error:
        return _unusable(str(file), f"it cannot be read: {error.strerror}")
    return _parse(file, text)


def _parse(file: Path, text: str) -> Layer:
    try:
        values, lines = _PARSERS[file.suffix](text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        return _unusable(f"{file}:{line}", f"it is no YAML: {error.problem or error.context}")
    except YAMLError as error:
        return _unusable(str(file), f"it is no YAML: {error}")
    except json.JSONDecodeError as error:
        return _unusable(f"{file}:{error.lineno}", f"it is no JSON: {error.msg}")
    except tomllib.TOMLDecodeError as error:
        return _unusable(str(file), f"it is no TOML: {error}")
    if not isinstance(values, dict) and values is not None:
        return _unusable(f"{file}:1", "it must hold settings by name, not a list or a single value")
    values = values or {}
    places = {path: f"{file}:{lines[path]}" if path in lines else str(file) for path in flatten(values)}
    places.update({path: f"{file}:{line}" for path, line in lines.items()})
    return Layer(values, places)


def _unusable(source: str, message: str) -> Layer:
    return Layer(faults=[ConfigFault("", source, message)])


def _yaml(text: str) -> tuple[Any, dict[tuple[str, ...], int]]:
    parsed = YAML(typ="rt").load(text)
    lines: dict[tuple[str, ...], int] = {}
    return _plain(parsed, (), lines), lines


def _plain(node: Any, path: tuple[str, ...], lines: dict[tuple[str, ...], int]) -> Any:
    if isinstance(node, CommentedMap):
        plain = {}
        for key, value in node.items():
            here = (*path, str(key))
            lines[here] = node.lc.key(key)[0] + 1
            plain[str(key)] = _plain(value, here, lines)
        return plain
    if isinstance(node, list):
        return [_plain(item, (*path, "*"), {}) for item in node]
    if isinstance(node, bool) or node is None:
        return node
    for kind in (int, float, str):
        if isinstance(node, kind):
            return kind(node)
    return node


def _toml(text: str) -> tuple[Any, dict[tuple[str, ...], int]]:
    return tomllib.loads(text), {}


def _json(text: str) -> tuple[Any, dict[tuple[str, ...], int]]:
    return (json.loads(text) if text.strip() else None), {}


_PARSERS = {".yaml": _yaml, ".yml": _yaml, ".toml": _toml, ".json": _json}
