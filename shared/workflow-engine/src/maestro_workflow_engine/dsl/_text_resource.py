"""Text that stands elsewhere: the source of a script, a schema."""

from __future__ import annotations

from base64 import b64decode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from maestro_workflow_engine.dsl._authentication import Authentication, parse_policy
from maestro_workflow_engine.dsl._expressions import compile_expression, enclosed
from maestro_workflow_engine.dsl._http_step import HttpCall
from maestro_workflow_engine.dsl._node import Node
from maestro_workflow_engine.dsl._template import Template
from maestro_workflow_engine.dsl._uri import UriError, UriTemplate, parse_uri_template

if TYPE_CHECKING:
    from maestro_workflow_engine.dsl._frame import Frame
    from maestro_workflow_engine.dsl._use import Use


@dataclass(frozen=True)
class TextResource:
    """An external resource that is read as text, by HTTP and when it is needed."""

    endpoint: UriTemplate | Template
    authentication: Authentication | None

    async def fetch(self, frame: Frame) -> str:
        """Get the text, as a durable step: a replay sees the same text, whatever stands there by then.

        Args:
            frame: The task that needs it.

        Returns:
            The text, read as UTF-8.

        Raises:
            TaskError: It cannot be had (the standard error "communication"), or is no text ("validation").
        """
        headers: dict[str, str] = {}
        if self.authentication is not None:
            credentials = await frame.filled(self.authentication.fields, frame.input)
            described = self.authentication.descriptor(credentials)
            headers["authorization"] = f"{described['scheme']} {described['parameter']}"
        uri = await self._uri(frame)
        outcome = await frame.shared.resolver.http(
            HttpCall(method="get", uri=uri, headers=headers, output="raw", redirect=True)
        )
        if outcome.problem is not None:
            raise frame.error("communication", outcome.problem, title=outcome.title, status=outcome.status)
        try:
            return b64decode(outcome.output or "").decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise frame.error("validation", f"what stands at {uri} is no UTF-8 text: {error}") from error

    async def _uri(self, frame: Frame) -> str:
        uri: Any
        try:
            if isinstance(self.endpoint, UriTemplate):
                uri = self.endpoint.expand(frame.input)
            else:
                uri = await frame.filled(self.endpoint, frame.input)
        except UriError as error:
            raise frame.error("expression", str(error)) from error
        if not isinstance(uri, str):
            raise frame.error("expression", f"the endpoint must be text, not {uri!r}")
        return uri


def parse_text_resource(node: Node, use: Use, scope: frozenset[str]) -> TextResource:
    """Read an external resource (DSL 1.0.3, "External Resource").

    Args:
        node: The resource.
        use: Knows the authentications that it may name.
        scope: The variables its expressions may use.

    Returns:
        The resource.
    """
    fields = node.fields(("name", "endpoint"), ("endpoint",), what="an external resource")
    if "name" in fields:
        fields["name"].text()
    if "endpoint" not in fields:
        return TextResource(Template(""), None)
    endpoint = fields["endpoint"]
    if not isinstance(endpoint.value, dict):
        return TextResource(_parse_uri(endpoint, scope), None)
    parts = endpoint.fields(("uri", "authentication"), ("uri",), what="an endpoint")
    authentication = None
    if "authentication" in parts:
        policy = parts["authentication"]
        if isinstance(policy.value, dict) and "use" in policy.value:
            authentication = use.authentication(policy.fields(("use",), what="a reference")["use"])
        else:
            authentication = parse_policy(policy, scope)
    return TextResource(_parse_uri(parts["uri"], scope) if "uri" in parts else Template(""), authentication)


def _parse_uri(node: Node, scope: frozenset[str]) -> UriTemplate | Template:
    text = node.text()
    inner = enclosed(text)
    return parse_uri_template(node, text) if inner is None else Template(compile_expression(node, inner, scope))
