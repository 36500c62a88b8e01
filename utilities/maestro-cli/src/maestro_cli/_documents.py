"""Workflow documents and JSON values that are given on the command line."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ._errors import InputError, InvalidDocumentError

_SUFFIXES: Final = frozenset({".yaml", ".yml", ".json"})


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
        Whether it is a file: by its suffix, by being there, or by being written as a path is and no name can be; `-` is
        standard input.
    """
    path = Path(name_or_file)
    is_path = name_or_file == "-" or name_or_file.startswith(("./", "../", "/")) or name_or_file.endswith("/")
    return is_path or path.suffix.lower() in _SUFFIXES or path.is_file()


def read_bytes(path: Path) -> tuple[str, bytes]:
    """Read a file, or standard input for `-`.

    Returns:
        What to call it, and its content.

    Raises:
        InputError: It cannot be read.
    """
    try:
        return ("<stdin>", sys.stdin.buffer.read()) if str(path) == "-" else (str(path), path.read_bytes())
    except (OSError, ValueError) as error:  # a NUL in the name is no OSError
        raise InputError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from error


def read_document(path: Path) -> Document:
    """Read a workflow document.

    Args:
        path: A YAML or JSON file; `-` for standard input.

    Returns:
        The document, checked as `maestro workflow validate` does.

    Raises:
        InputError: The file cannot be read.
        InvalidDocumentError: It has faults.
    """
    name, content = read_bytes(path)
    content_type = "application/json" if path.suffix.lower() == ".json" else "application/yaml"
    return parse_document(content, name, content_type)


def parse_document(content: bytes, origin: str, content_type: str = "application/yaml") -> Document:
    """Check a workflow document, and find out what it is called.

    Args:
        content: The document.
        origin: Where it comes from, for messages.
        content_type: `application/yaml` or `application/json`.

    Returns:
        The document.

    Raises:
        InvalidDocumentError: It has faults.
    """
    from maestro_workflow_engine.dsl import validate_document  # noqa: PLC0415  commands without documents do without

    from ._checking import checked_text, fault_blocks  # noqa: PLC0415

    report = validate_document(content)
    text = checked_text(content)
    if not report.is_valid:
        raise InvalidDocumentError(origin, list(fault_blocks(origin, text, report)))
    head = report.definition["document"]
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
