"""Endpoints and external resources, as documents write them; steps get them in one shape."""

from __future__ import annotations

from typing import Any

from maestro_workflow_engine.dsl._authentication import parse_reference
from maestro_workflow_engine.dsl._expressions import compile_expression, enclosed
from maestro_workflow_engine.dsl._node import Node
from maestro_workflow_engine.dsl._uri import parse_uri_template
from maestro_workflow_engine.dsl._use import Use


def parse_endpoint(node: Node, scope: frozenset[str], use: Use) -> dict[str, Any]:
    """Read an endpoint: a URI, a URI template, an expression, or a mapping with `uri` and `authentication`.

    Args:
        node: The field.
        scope: The variables its expressions may use.
        use: The document's reusable components.

    Returns:
        `uri`, and `authentication` where there is one, as parts of a template.
    """
    if not isinstance(node.value, dict):
        return {"uri": parse_uri(node, scope)}
    fields = node.fields(("uri", "authentication"), ("uri",), what="an endpoint")
    endpoint: dict[str, Any] = {"uri": parse_uri(fields["uri"], scope) if "uri" in fields else ""}
    if "authentication" in fields:
        endpoint |= parse_authentication(fields["authentication"], scope, use)
    return endpoint


def parse_authentication(node: Node, scope: frozenset[str], use: Use) -> dict[str, Any]:
    """Read an `authentication` field; nothing after a fault."""
    policy = parse_reference(node, scope, use)
    return {} if policy is None else {"authentication": policy.template.value}


def parse_uri(node: Node, scope: frozenset[str]) -> Any:
    """Read a URI: a template to be expanded, or the expression that gives it."""
    text = node.text()
    inner = enclosed(text)
    return parse_uri_template(node, text) if inner is None else compile_expression(node, inner, scope)


def parse_resource(node: Node, scope: frozenset[str], use: Use) -> dict[str, Any]:
    """Read an external resource; its endpoint, as `parse_endpoint` gives it."""
    fields = node.fields(("name", "endpoint"), ("endpoint",), what="an external resource")
    if "name" in fields:
        fields["name"].text()
    return parse_endpoint(fields["endpoint"], scope, use) if "endpoint" in fields else {"uri": ""}
