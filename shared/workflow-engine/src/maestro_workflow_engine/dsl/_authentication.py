"""Authentication policies, as documents define them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from maestro_workflow_engine.dsl._expressions import enclosed
from maestro_workflow_engine.dsl._node import Node
from maestro_workflow_engine.dsl._template import Template, parse_template
from maestro_workflow_engine.dsl._uri import parse_uri_template
from maestro_workflow_engine.dsl.calls._oauth2 import CLIENT_AUTHENTICATIONS, GRANTS

if TYPE_CHECKING:
    from maestro_workflow_engine.dsl._use import Use

SCHEMES = ("basic", "bearer", "digest", "oauth2", "oidc")
_PLAIN = {"basic": ("username", "password"), "bearer": ("token",), "digest": ("username", "password")}
_TOKEN_FIELDS = (
    "authority", "grant", "client", "request", "issuers", "scopes", "audiences", "username", "password", "subject", "actor",
)  # fmt: skip
_ENCODINGS = ("application/x-www-form-urlencoded", "application/json")


@dataclass(frozen=True)
class Authentication:
    """A scheme and its fields."""

    scheme: str
    fields: Template
    """The scheme's fields, or `use` and the name of the secret that holds them."""

    @property
    def template(self) -> Template:
        """The policy, as the step takes it."""
        return Template({self.scheme: self.fields.value})


def parse_policy(node: Node, scope: frozenset[str], secrets: Collection[str]) -> Authentication | None:
    """Read an authentication policy.

    Args:
        node: The policy.
        scope: The variables its expressions may use.
        secrets: The secrets that the document declares.

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
    if isinstance(properties.value, dict) and "use" in properties.value:
        named = properties.fields(("use",), what="a reference to a secret")
        name = named["use"].text()
        if name and name not in secrets:
            known = ", ".join(secrets) or "none"
            named["use"].fault(f"no secret named {name!r} under /use/secrets (there are {known})")
        elif not name:
            named["use"].fault("names no secret")
        return Authentication(scheme, Template({"use": name}))
    if scheme not in _PLAIN:
        return Authentication(scheme, _parse_token_policy(scheme, properties, scope))
    known_fields = _PLAIN[scheme]
    found = properties.fields(known_fields, known_fields, what=f"{scheme} authentication")
    for field in found.values():
        field.text()
    return Authentication(scheme, parse_template(properties, scope)) if len(found) == len(known_fields) else None


def parse_reference(node: Node, scope: frozenset[str], use: Use) -> Authentication | None:
    """Read a policy, or `use` and the name of one under `use.authentications`.

    Args:
        node: The field.
        scope: The variables that a policy's expressions may use.
        use: The document's reusable components.

    Returns:
        The policy; None after a fault.
    """
    if isinstance(node.value, dict) and "use" in node.value:
        named = node.fields(("use",), what="a reference to an authentication")
        return use.authentication(named["use"])
    return parse_policy(node, scope, use.secrets)


def _parse_token_policy(scheme: str, node: Node, scope: frozenset[str]) -> Template:
    known = (*_TOKEN_FIELDS, "endpoints") if scheme == "oauth2" else _TOKEN_FIELDS
    fields = node.fields(known, ("authority", "grant"), what=f"{scheme} authentication")
    values: dict[str, Any] = {}
    for name, field in fields.items():
        if name == "authority":
            values[name] = _parse_authority(field)
            continue
        values[name] = parse_template(field, scope).value
        _CHECKS[name](field)
    return Template(values)


def _check_texts(node: Node) -> None:
    for item in node.items():
        item.text()


def _check_client(node: Node) -> None:
    for name, field in node.fields(("id", "secret", "assertion", "authentication"), what="a client").items():
        if name == "authentication":
            field.choice(CLIENT_AUTHENTICATIONS)
        else:
            field.text()


def _check_request(node: Node) -> None:
    for field in node.fields(("encoding",), what="a token request").values():
        field.choice(_ENCODINGS)


def _check_endpoints(node: Node) -> None:
    for field in node.fields(("token", "revocation", "introspection"), what="endpoints").values():
        parse_uri_template(field, field.text())


def _check_token(node: Node) -> None:
    for field in node.fields(("token", "type"), ("token", "type"), what="a token").values():
        field.text()


def _check_grant(node: Node) -> None:
    node.choice(GRANTS)


def _check_text(node: Node) -> None:
    node.text()


_CHECKS: Mapping[str, Callable[[Node], None]] = {
    "grant": _check_grant,
    "client": _check_client,
    "request": _check_request,
    "endpoints": _check_endpoints,
    "issuers": _check_texts,
    "scopes": _check_texts,
    "audiences": _check_texts,
    "username": _check_text,
    "password": _check_text,
    "subject": _check_token,
    "actor": _check_token,
}


def _parse_authority(node: Node) -> Any:
    text = node.text()
    if enclosed(text) is not None:
        node.fault("must be a URI or a URI template, not an expression")
        return text
    return parse_uri_template(node, text)
