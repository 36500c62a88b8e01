"""JSON Schemas of inputs, outputs and exported contexts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jsonschema_rs

from maestro_workflow_engine.dsl._faults import DocumentError
from maestro_workflow_engine.dsl._node import Node, kind_of
from maestro_workflow_engine.dsl._source import read_source
from maestro_workflow_engine.dsl._text_resource import TextResource, parse_text_resource

if TYPE_CHECKING:
    from maestro_workflow_engine.dsl._frame import Frame
    from maestro_workflow_engine.dsl._use import Use

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


@dataclass(frozen=True)
class SchemaResource:
    """A schema that stands elsewhere."""

    path: str
    """JSON Pointer of `resource` in the document."""
    resource: TextResource

    async def fetch(self, frame: Frame) -> Schema:
        """Get the schema, once for each run.

        Args:
            frame: The task that needs it.

        Returns:
            The schema.

        Raises:
            TaskError: It cannot be had ("communication"), or is no schema ("configuration").
        """
        known = frame.shared.schemas
        if self.path not in known:
            text = await self.resource.fetch(frame)
            try:
                known[self.path] = _compiled(read_source(text).data)
            except (DocumentError, ValueError) as error:
                told = str(error).strip().splitlines()[-1].strip()
                raise frame.error("configuration", f"what {self.path} names is no JSON Schema: {told}") from error
        return known[self.path]


def parse_schema(node: Node, use: Use, scope: frozenset[str]) -> Schema | SchemaResource | None:
    """Read a `schema` field.

    Args:
        node: The field.
        use: Knows the authentications that a resource may name.
        scope: The variables that a resource's expressions may use.

    Returns:
        The schema, or where it stands; None after a fault.
    """
    fields = node.fields(("format", "document", "resource"), what="a schema")
    if "format" in fields and fields["format"].text().partition(":")[0] != "json":
        fields["format"].unsupported("schema formats other than json")
    elif "resource" in fields:
        if "document" in fields:
            node.fault("give either 'document' or 'resource', not both")
        return SchemaResource(fields["resource"].path, parse_text_resource(fields["resource"], use, scope))
    elif "document" in fields:
        return _compile(fields["document"])
    elif isinstance(node.value, dict):
        node.fault("'document' is missing")
    return None


def _compile(node: Node) -> Schema | None:
    try:
        return _compiled(node.value)
    except ValueError as error:
        node.fault(f"is no JSON Schema: {error}")
        return None


def _compiled(value: Any) -> Schema:
    if not isinstance(value, dict | bool):
        raise ValueError(f"it is {kind_of(value)}")  # noqa: TRY004  what stands in a document is no matter of types
    try:
        return Schema(jsonschema_rs.validator_for(value, retriever=_retrieve_nothing))
    except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError) as error:
        raise ValueError(str(error).splitlines()[0]) from error


def _retrieve_nothing(uri: str) -> Any:
    """Refuse references that lead out of the schema: what they lead to may be another thing on replay."""
    raise ValueError(f"{uri} is outside the schema")


def _path(steps: list[str | int]) -> str:
    return "".join(f"/{step}" for step in steps) or "the value"
