"""Workflow documents and JSON values that are given on the command line."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from ._errors import InputError

_SUFFIXES: Final = frozenset({".yaml", ".yml", ".json"})
_IDENTITY: Final = ("namespace", "name", "version")


@dataclass(frozen=True, slots=True)
class Document:
    """A workflow document as it goes to the orchestrator."""

    namespace: str
    name: str
    version: str
    text: str
    content_type: str

    @property
    def reference(self) -> str:
        """What a run names it by: `namespace/name:version`."""
        return f"{self.namespace}/{self.name}:{self.version}"


def is_document(name_or_file: str) -> bool:
    """Tell a file from the name of a workflow.

    Args:
        name_or_file: What was given.

    Returns:
        Whether it is a file, judged by its suffix or by being there.
    """
    path = Path(name_or_file)
    return path.suffix.lower() in _SUFFIXES or path.is_file()


def read_document(path: Path) -> Document:
    """Read a workflow document.

    Args:
        path: A YAML or JSON file.

    Returns:
        The document, checked for its name only: the orchestrator checks the rest.

    Raises:
        InputError: It cannot be read, is not YAML, or does not say what it is called.
    """
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from error
    content_type = "application/json" if path.suffix.lower() == ".json" else "application/yaml"
    return parse_document(text, str(path), content_type)


def parse_document(text: str, origin: str, content_type: str = "application/yaml") -> Document:
    """Find out what a workflow document is called.

    Args:
        text: The document.
        origin: Where it comes from, for messages.
        content_type: `application/yaml` or `application/json`.

    Returns:
        The document.

    Raises:
        InputError: It is not YAML, or does not say what it is called.
    """
    try:
        content = YAML(typ="safe", pure=True).load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark
        place = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        raise InputError(f"{origin}{place} is not YAML: {error.problem or error}") from error
    except YAMLError as error:
        raise InputError(f"{origin} is not YAML: {error}") from error
    head = content.get("document") if isinstance(content, dict) else None
    head = head if isinstance(head, dict) else {}
    missing = [f"document.{name}" for name in _IDENTITY if not isinstance(head.get(name), str)]
    if missing:
        raise InputError(
            f"{origin} is not a workflow document: it lacks {', '.join(missing)}",
            hint="A document begins with `document:` and under it dsl, namespace, name and version, all of them text.",
        )
    return Document(head["namespace"], head["name"], head["version"], text, content_type)


def read_value(text: str | None, what: str) -> Any:
    """Read a JSON value from the command line.

    Args:
        text: JSON, `@file`, `@-` for standard input, or None.
        what: What it is for, for messages.

    Returns:
        The value; None when `text` is None.

    Raises:
        InputError: It is not JSON, or the file cannot be read.
    """
    if text is None:
        return None
    if text.startswith("@"):
        what = f"{what} in {text[1:]}"
        try:
            text = sys.stdin.read() if text == "@-" else Path(text[1:]).read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"cannot read the {what}: {getattr(error, 'strerror', None) or error}") from error
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(
            f"the {what} is not JSON: {error.msg} at line {error.lineno}, column {error.colno}",
            hint="""Text needs quotes of its own: '"text"'. A file is given as @file.json, standard input as @-.""",
        ) from error
