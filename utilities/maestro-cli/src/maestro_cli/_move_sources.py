"""What a move between engines stands on: workflows from modules and documents, keys from files."""

import base64
import binascii
import importlib
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from maestro_workflow_engine import AesGcmCodec, StepDefinition, WorkflowDefinition
from maestro_workflow_engine.dsl import DocumentError, Steps, load_document

from ._errors import InputError

_APPLICATION_ID: Final = 0x4D57464C  # of the file in which the orchestrator keeps documents
_KEY_BYTES: Final = 32


def gather(modules: Sequence[str], definitions: Path | None) -> list[WorkflowDefinition[..., Any]]:
    """Import workflows and steps, and read the documents that an orchestrator keeps.

    Args:
        modules: The modules, as in `import`.
        definitions: The orchestrator's `definitions.db`; None for no documents.

    Returns:
        The workflows.

    Raises:
        InputError: A module cannot be imported or declares nothing, or the documents cannot be read.
    """
    workflows: list[WorkflowDefinition[..., Any]] = []
    steps: list[StepDefinition[..., Any]] = []
    for name in modules:
        try:
            module = importlib.import_module(name)
        except Exception as error:  # whatever a module raises is a fault of the module
            raise InputError(f"cannot import {name}: {type(error).__name__}: {error}") from error
        found = list(vars(module).values())
        workflows += (declared := [value for value in found if isinstance(value, WorkflowDefinition)])
        steps += (called := [value for value in found if isinstance(value, StepDefinition)])
        if not declared and not called:
            raise InputError(f"{name} declares neither a workflow nor a step at its top level")
    return workflows if definitions is None else [*workflows, *_documents(definitions, Steps(steps))]


def _documents(path: Path, steps: Steps) -> list[WorkflowDefinition[..., Any]]:
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            if connection.execute("PRAGMA application_id").fetchone()[0] != _APPLICATION_ID:
                raise InputError(
                    f"{path} holds no workflow documents", hint="It is `definitions.db` beside the journal."
                )
            sources = [source for (source,) in connection.execute("SELECT source FROM documents ORDER BY number")]
    except sqlite3.Error as error:
        raise InputError(f"{path} cannot be read: {error}") from error
    found = []
    for source in sources:
        document = load_document(source)
        try:
            found.append(document.as_workflow(steps))
        except DocumentError as error:
            raise InputError(
                f"document {document.qualified_name}:{document.version} cannot run: {error}",
                hint="Name the modules with its steps with --module.",
            ) from error
    return found


def read_codec(keys: Sequence[str]) -> AesGcmCodec | None:
    """Read the keys that payloads are encrypted with.

    Args:
        keys: Each as `id=file`; the first is the active one. A file holds 32 bytes, or their Base64.

    Returns:
        The codec; None without keys.

    Raises:
        InputError: A key cannot be read.
    """
    if not keys:
        return None
    found: dict[str, bytes] = {}
    for key in keys:
        key_id, _, file = key.partition("=")
        if not key_id or not file:
            raise InputError(f"{key!r} names no key", hint="Write it as ID=FILE.")
        found[key_id] = _key(Path(file))
    try:
        return AesGcmCodec(found, active=next(iter(found)))
    except ValueError as error:
        raise InputError(str(error)) from error


def _key(path: Path) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error
    if len(data) == _KEY_BYTES:
        return data
    try:
        return base64.b64decode(data.strip(), validate=True)
    except binascii.Error as error:
        raise InputError(f"{path} holds neither {_KEY_BYTES} bytes nor their Base64") from error
