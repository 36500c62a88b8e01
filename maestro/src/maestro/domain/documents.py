"""Workflow documents: reading one for a key, and telling whether two say the same."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from maestro.domain.catalog import PYTHON_NAMESPACE, WorkflowKey
from maestro.domain.errors import Fault, InvalidWorkflowError
from maestro_workflow_engine import WorkflowDefinition
from maestro_workflow_engine.dsl import DocumentError, StepResolver, WorkflowDocument, load_document
from maestro_workflow_engine.dsl import Fault as DocumentFault


def read_document(source: bytes, key: WorkflowKey) -> WorkflowDocument:
    """Read a document that is to be registered under a key.

    Args:
        source: YAML 1.2 or JSON.
        key: What the document has to call itself.

    Returns:
        The document.

    Raises:
        InvalidWorkflowError: It has faults, all of them listed, or calls itself something else.
    """
    try:
        document = load_document(source)
    except DocumentError as error:
        raise InvalidWorkflowError(map(_fault, error.faults)) from error
    faults = [
        Fault(f"/document/{member}", f"is {found!r}, but the address says {wanted!r}; the two must be the same")
        for member, found, wanted in (
            ("namespace", document.namespace, key.namespace),
            ("name", document.name, key.name),
            ("version", document.version, key.version),
        )
        if found != wanted
    ]
    if document.namespace == PYTHON_NAMESPACE:
        message = f"the namespace {PYTHON_NAMESPACE!r} belongs to workflows from Python modules; use another one"
        faults.append(Fault("/document/namespace", message))
    if faults:
        raise InvalidWorkflowError(faults)
    return document


def as_workflow(
    document: WorkflowDocument, steps: StepResolver, *, lifecycle_events: bool = False
) -> WorkflowDefinition[..., Any]:
    """Make a workflow of a document.

    Args:
        document: The document.
        steps: The steps that it may call.
        lifecycle_events: Whether its runs publish what happens to them.

    Returns:
        The workflow.

    Raises:
        InvalidWorkflowError: It calls steps that are not there; all are listed.
    """
    try:
        return document.as_workflow(steps, lifecycle_events=lifecycle_events)
    except DocumentError as error:
        raise InvalidWorkflowError(map(_fault, error.faults)) from error


def digest(definition: Mapping[str, Any]) -> str:
    """Name the content of a document: the same for the same values, however they are written.

    Args:
        definition: The document as plain values.

    Returns:
        A hexadecimal SHA-256.
    """
    canonical = json.dumps(definition, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def _fault(fault: DocumentFault) -> Fault:
    place = "" if fault.line is None else f" (line {fault.line}, column {fault.column})"
    hint = f"; {fault.hint}" if fault.hint else ""
    return Fault(fault.path, f"{fault.message}{hint}{place}")
