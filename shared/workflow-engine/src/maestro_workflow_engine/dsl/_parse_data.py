"""Reading `input`, `output` and `export`."""

from __future__ import annotations

from maestro_workflow_engine.dsl._late import is_confidential
from maestro_workflow_engine.dsl._model import NO_TRANSFORMATION, Transformation
from maestro_workflow_engine.dsl._node import Node
from maestro_workflow_engine.dsl._schemas import parse_schema
from maestro_workflow_engine.dsl._template import parse_transformation
from maestro_workflow_engine.dsl._use import Use


def parse_data(node: Node | None, verb: str, scope: frozenset[str], use: Use | None = None) -> Transformation:
    """Read `input`, `output` or `export`.

    Args:
        node: The field; None when it is absent.
        verb: "from" or "as".
        scope: The variables that the transformation may use.
        use: What the document defines by name. Default: nothing.

    Returns:
        The schema and transformation, each None when absent.
    """
    if node is None:
        return NO_TRANSFORMATION
    fields = node.fields(("schema", verb))
    value = parse_transformation(fields[verb], scope) if verb in fields else None
    schema = parse_schema(fields["schema"], use or Use(), scope) if "schema" in fields else None
    if value is None and schema is None:
        return NO_TRANSFORMATION
    return Transformation(schema, value, "secrets" in scope and is_confidential(value))
