"""JSON Schemas of inputs, outputs and exported contexts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jsonschema_rs

from maestro_workflow_engine.dsl._node import Node

_SHOWN = 5
"""How many violations a message lists; the rest is counted."""


@dataclass(frozen=True)
class Schema:
    """A compiled schema."""

    validator: jsonschema_rs.Validator

    def violations(self, value: Any) -> str | None:
        """Check a value.

        Args:
            value: Any JSON value.

        Returns:
            What is wrong with it, with paths; None when it fits.
        """
        found = [f"{_path(error.instance_path)}: {error.message}" for error in self.validator.iter_errors(value)]
        if not found:
            return None
        more = f" (and {len(found) - _SHOWN} more)" if len(found) > _SHOWN else ""
        return "; ".join(found[:_SHOWN]) + more


def parse_schema(node: Node) -> Schema | None:
    """Read a `schema` field.

    Args:
        node: The field.

    Returns:
        The schema; None after a fault.
    """
    fields = node.fields(("format", "document", "resource"), what="a schema")
    if "format" in fields and fields["format"].text().partition(":")[0] != "json":
        fields["format"].unsupported("schema formats other than json")
    elif "resource" in fields:
        if "document" in fields:
            node.fault("give either 'document' or 'resource', not both")
        fields["resource"].unsupported("schemas from external resources")
    elif "document" in fields:
        return _compile(fields["document"])
    elif isinstance(node.value, dict):
        node.fault("'document' is missing")
    return None


def _compile(node: Node) -> Schema | None:
    if not isinstance(node.value, dict | bool):
        node.fault("must be a JSON Schema")
        return None
    try:
        return Schema(jsonschema_rs.validator_for(node.value))
    except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError) as error:
        node.fault(f"is no JSON Schema: {str(error).splitlines()[0]}")
        return None


def _path(steps: list[str | int]) -> str:
    return "".join(f"/{step}" for step in steps) or "the value"
