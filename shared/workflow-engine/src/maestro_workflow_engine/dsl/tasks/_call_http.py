"""`call: http`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from maestro_workflow_engine.dsl._authentication import Authentication, parse_policy
from maestro_workflow_engine.dsl._expressions import IN_TASK, compile_expression, enclosed
from maestro_workflow_engine.dsl._frame import Frame
from maestro_workflow_engine.dsl._http_step import HttpCall
from maestro_workflow_engine.dsl._model import Outcome, Parser
from maestro_workflow_engine.dsl._node import Node
from maestro_workflow_engine.dsl._template import Template, parse_template
from maestro_workflow_engine.dsl._uri import UriError, UriTemplate, parse_uri_template, with_query

_ARGUMENTS = ("method", "endpoint", "headers", "body", "query", "output", "redirect")


@dataclass(frozen=True)
class CallHttp:
    """The request to send."""

    method: str
    endpoint: UriTemplate | Template
    headers: Template
    query: Template
    body: Template
    output: str
    redirect: bool
    authentication: Authentication | None

    async def run(self, frame: Frame) -> Outcome:
        """Send the request; the output is the answer's content, the whole answer, or its raw bytes in base-64.

        No answer, and one with a status that is no success, is the standard error "communication".
        """
        data = frame.input
        if self.authentication is not None:
            credentials = frame.fill(self.authentication.fields, data)
            frame.arguments["authorization"] = self.authentication.descriptor(credentials)
        call = HttpCall(
            method=self.method,
            uri=self._uri(frame),
            headers=self._headers(frame),
            body=frame.fill(self.body, data),
            output=self.output,
            redirect=self.redirect,
        )
        outcome = await frame.shared.resolver.http(call)
        if outcome.problem is not None:
            raise frame.error(
                "communication", outcome.problem, title=outcome.title or "Communication error", status=outcome.status
            )
        return Outcome(outcome.output)

    def _uri(self, frame: Frame) -> str:
        try:
            if isinstance(self.endpoint, UriTemplate):
                uri = self.endpoint.expand(frame.input)
            else:
                uri = frame.fill(self.endpoint, frame.input)
                if not isinstance(uri, str):
                    raise UriError(f"the endpoint must be text, not {uri!r}")
            return with_query(uri, _mapping(frame, self.query, "query"))
        except UriError as error:
            raise frame.error("expression", str(error)) from error

    def _headers(self, frame: Frame) -> dict[str, str]:
        given = _mapping(frame, self.headers, "headers")
        headers = {name: _text(value) for name, value in given.items() if value is not None}
        authorization = frame.arguments["authorization"]
        if authorization is not None:
            headers = {name: value for name, value in headers.items() if name.lower() != "authorization"}
            headers["authorization"] = f"{authorization['scheme']} {authorization['parameter']}"
        return headers


def parse(node: Node, arguments: Node | None, parser: Parser, scope: frozenset[str]) -> CallHttp:
    """Read the arguments of `call: http`.

    Args:
        node: The `call` field.
        arguments: The `with` field; None when it is absent.
        parser: Knows the authentications under `use`.
        scope: The variables that enclosing tasks bind.

    Returns:
        The call.
    """
    if arguments is None:
        node.fault("'call: http' needs 'with'")
        arguments = Node({"method": "get", "endpoint": "http://"}, node.path, node.log)
    fields = arguments.fields(_ARGUMENTS, ("method", "endpoint"), what="'call: http'")
    scope = IN_TASK | scope
    uri, authentication = _parse_endpoint(fields.get("endpoint"), parser, scope)
    return CallHttp(
        method=fields["method"].text() if "method" in fields else "",
        endpoint=uri,
        headers=_parse_texts(fields.get("headers"), scope),
        query=_parse_texts(fields.get("query"), scope),
        body=parse_template(fields["body"], scope) if "body" in fields else Template(None),
        output=fields["output"].choice(("raw", "content", "response")) if "output" in fields else "content",
        redirect="redirect" in fields and fields["redirect"].boolean(),
        authentication=authentication,
    )


def _parse_endpoint(
    node: Node | None, parser: Parser, scope: frozenset[str]
) -> tuple[UriTemplate | Template, Authentication | None]:
    if node is None:
        return Template(""), None
    if not isinstance(node.value, dict):
        return _parse_uri(node, scope), None
    fields = node.fields(("uri", "authentication"), ("uri",), what="an endpoint")
    authentication = None
    if "authentication" in fields:
        policy = fields["authentication"]
        if isinstance(policy.value, dict) and "use" in policy.value:
            named = policy.fields(("use",), what="a reference to an authentication")
            authentication = parser.use.authentication(named["use"])
        else:
            authentication = parse_policy(policy, scope)
    return (_parse_uri(fields["uri"], scope) if "uri" in fields else Template("")), authentication


def _parse_uri(node: Node, scope: frozenset[str]) -> UriTemplate | Template:
    text = node.text()
    inner = enclosed(text)
    return parse_uri_template(node, text) if inner is None else Template(compile_expression(node, inner, scope))


def _parse_texts(node: Node | None, scope: frozenset[str]) -> Template:
    """Read headers or a query: a mapping to text, or an expression that gives one."""
    if node is None:
        return Template({})
    if isinstance(node.value, str):
        if enclosed(node.value) is None:
            node.fault("must be a mapping, or an expression in ${ }")
    else:
        for _, value in node.entries():
            value.text()
    return parse_template(node, scope)


def _mapping(frame: Frame, template: Template, what: str) -> Mapping[str, Any]:
    value = frame.fill(template, frame.input)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise frame.error("expression", f"the {what} must be a mapping, not {value!r}")
    return value


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else str(value)
