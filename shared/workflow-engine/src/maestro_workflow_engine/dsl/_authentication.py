"""How a call says who it is: basic and bearer authentication."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from typing import Any

from maestro_workflow_engine.dsl._node import Node
from maestro_workflow_engine.dsl._template import Template, parse_template

SCHEMES = {"basic": ("username", "password"), "bearer": ("token",), "digest": (), "oauth2": (), "oidc": ()}
"""The schemes of the specification, with the fields of those that are supported."""


@dataclass(frozen=True)
class Authentication:
    """A scheme and its fields."""

    scheme: str
    """Either "basic" or "bearer"."""
    fields: Template
    """Username and password, or token."""

    def descriptor(self, values: dict[str, Any]) -> dict[str, str]:
        """Return the `$authorization` argument.

        Args:
            values: The evaluated fields.

        Returns:
            `scheme` and `parameter`, which together make the Authorization header.
        """
        if self.scheme == "basic":
            credentials = f"{_text(values['username'])}:{_text(values['password'])}"
            return {"scheme": "Basic", "parameter": b64encode(credentials.encode()).decode()}
        return {"scheme": "Bearer", "parameter": _text(values["token"])}


def parse_policy(node: Node, scope: frozenset[str]) -> Authentication | None:
    """Read an authentication policy.

    Args:
        node: The policy.
        scope: The variables its expressions may use.

    Returns:
        The policy; None after a fault.
    """
    fields = node.fields(SCHEMES, what="an authentication policy")
    if not isinstance(node.value, dict):
        return None
    if len(fields) != 1:
        node.fault(f"must hold exactly one of {', '.join(SCHEMES)}")
        return None
    scheme, properties = next(iter(fields.items()))
    known = SCHEMES[scheme]
    if not known:
        node.unsupported(f"{scheme} authentication")
        return None
    if isinstance(properties.value, dict) and "use" in properties.value:
        properties.unsupported("credentials from secrets")
        return None
    found = properties.fields(known, known, what=f"{scheme} authentication")
    for field in found.values():
        field.text()
    return Authentication(scheme, parse_template(properties, scope)) if len(found) == len(known) else None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else str(value)
