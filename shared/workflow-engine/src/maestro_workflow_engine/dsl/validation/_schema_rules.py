"""The JSON Schemas that a document holds: each must be one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import jsonschema_rs

from maestro_workflow_engine.dsl.validation._rules import Findings, Where
from maestro_workflow_engine.dsl.validation._walk import iterator_of, member

_HOLDERS = ("input", "output", "export")


def check_schemas(holder: Any, where: Where, findings: Findings) -> None:
    """Check the schemas of a workflow's or task's inputs, outputs and contexts.

    Args:
        holder: The document, or a task.
        where: Where it stands.
        findings: Takes what is noticed.
    """
    for schema, at in _schemas(holder, where):
        named = member(schema, "format")
        if "document" not in schema or (isinstance(named, str) and named.partition(":")[0] != "json"):
            continue
        document, place = schema["document"], (at, "document")
        if not isinstance(document, dict | bool):
            findings.fault(place, "not-a-schema", "must be a JSON Schema: a mapping, true or false")
            continue
        try:
            jsonschema_rs.meta.validate(document)
        except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError) as error:
            findings.fault(place, "not-a-schema", f"is no JSON Schema: {str(error).splitlines()[0]}")


def _schemas(holder: Any, where: Where) -> Iterator[tuple[Mapping[str, Any], Where]]:
    for key in _HOLDERS:
        schema = member(member(holder, key), "schema")
        if isinstance(schema, dict):
            yield schema, ((where, key), "schema")
    if isinstance(holder, dict) and ("listen" in holder or "call" in holder):
        iterator, at = iterator_of(holder, where)
        if iterator is not None:
            yield from _schemas(iterator, at)
