"""Reading personas: the built-in ones, and those in a folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from maestro.domain.errors import Fault, SetupError
from maestro.domain.personas import Persona, Personas

_SUFFIXES = (".yaml", ".yml", ".json")


def load_personas(folder: Path | None) -> Personas:
    """Load the built-in personas and, on top of them, those of a folder: one persona per YAML or JSON file.

    Args:
        folder: The folder; None for the built-in ones alone.

    Returns:
        The personas.

    Raises:
        SetupError: Files cannot be used; every fault of every file is listed with file and line.
    """
    faults: list[Fault] = []
    built_in = _read_folder(files("maestro") / "builtin_personas", "built-in ", faults)
    own: list[Persona] = []
    if folder is not None:
        try:
            own = _read_folder(folder, f"{folder}/", faults)
        except OSError as error:
            faults.append(Fault(str(folder), f"the folder of personas cannot be read: {error.strerror}"))
    if faults:
        raise SetupError("the personas", faults)
    return Personas([*built_in, *own])


def _read_folder(folder: Traversable, prefix: str, faults: list[Fault]) -> list[Persona]:
    personas: list[Persona] = []
    read_from: dict[str, str] = {}
    for file in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if not file.name.endswith(_SUFFIXES) or file.name.startswith("."):
            continue
        where = f"{prefix}{file.name}"
        persona = _read_file(file, where, faults)
        if persona is None:
            continue
        if persona.name in read_from:
            faults.append(Fault(where, f"declares the persona {persona.name!r}, as {read_from[persona.name]} does"))
        read_from[persona.name] = where
        personas.append(persona)
    return personas


def _read_file(file: Traversable, where: str, faults: list[Fault]) -> Persona | None:
    try:
        node = YAML(typ="rt").load(file.read_bytes().decode("utf-8-sig"))
    except UnicodeDecodeError:
        faults.append(Fault(where, "is not UTF-8 text"))
    except OSError as error:
        faults.append(Fault(where, f"cannot be read: {error.strerror}"))
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = error.problem or error.context or "cannot be read"
        faults.append(Fault(f"{where}:{mark.line + 1}" if mark else where, f"is neither YAML nor JSON: {problem}"))
    except YAMLError as error:
        faults.append(Fault(where, f"is neither YAML nor JSON: {error}"))
    else:
        return _validated(node, where, faults)
    return None


def _validated(node: Any, where: str, faults: list[Fault]) -> Persona | None:
    if not isinstance(node, CommentedMap):
        faults.append(Fault(f"{where}:1", "must hold one persona: a mapping with name, title, system_prompt …"))
        return None
    try:
        return Persona.model_validate(_plain(node))
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            place = f"{where}:{_line(node, detail['loc'])}"
            faults.append(Fault(place, f"{_dotted(detail['loc'])}: {_in_words(detail)}"))
        return None


def _in_words(detail: Mapping[str, Any]) -> str:
    match detail["type"]:
        case "missing":
            return "is missing"
        case "extra_forbidden":
            return f"there is no such member; there is: {', '.join(Persona.model_fields)}"
        case "string_type":
            return f"must be text; put {detail['input']!r} in quotes"
        case _:
            return str(detail["msg"]).removeprefix("Value error, ")


def _line(node: Any, path: Sequence[int | str]) -> int:
    """Return the line, from 1, of the deepest part of a path that the file has."""
    line: int = node.lc.line
    for step in path:
        if isinstance(node, CommentedMap) and step in node:
            line = node.lc.key(step)[0]
        elif isinstance(node, CommentedSeq) and isinstance(step, int) and step < len(node):
            line = node.lc.item(step)[0]
        else:
            break
        node = node[step]
    return line + 1


def _dotted(path: Sequence[int | str]) -> str:
    return ".".join(str(step) for step in path)


def _plain(node: Any) -> Any:
    """Turn ruamel's values into Python's own, so that messages and JSON show them as they are."""
    if isinstance(node, Mapping):
        return {str(key): _plain(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_plain(item) for item in node]
    for kind in (bool, int, float, str):
        if isinstance(node, kind):
            return kind(node)
    return node
