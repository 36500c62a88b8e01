from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from maestro_workflow_engine.dsl import HttpCallError, HttpRequest, HttpResponse, TaskError

PREFIX = "https://open-workflow-specification.org/spec/1.0.0/errors/"
JSON = {"content-type": "application/json"}


@dataclass
class Remote:
    """Answers with what it is told, and keeps what it was asked."""

    response: HttpResponse | None = field(default_factory=lambda: HttpResponse(200, JSON, b'{"ok": true}', "OK"))
    requests: list[HttpRequest] = field(default_factory=list)

    async def call(self, request: HttpRequest) -> HttpResponse:
        self.requests.append(request)
        if self.response is None:
            raise HttpCallError("ConnectError: nobody there")
        return self.response


def source(arguments: str) -> str:
    return f"do: [{{get: {{call: http, with: {{{arguments}}}}}}}]"


def sent(simulate: Callable[..., Any], arguments: str, payload: object = None) -> HttpRequest:
    remote = Remote()
    simulation = simulate(source(arguments), payload, http=remote)
    assert simulation.error is None, simulation.error
    return remote.requests[0]


def test_the_answer_becomes_the_output(execute: Callable[..., Any]) -> None:
    """A call sends method and address and outputs the answer's content, read by its content type."""
    remote = Remote()
    assert execute(source("method: get, endpoint: 'https://example.com/a'"), http=remote) == {"ok": True}
    assert remote.requests == [HttpRequest("GET", "https://example.com/a")]


@pytest.mark.parametrize(
    ("endpoint", "url"),
    [
        ("http://x/pets/{id}", "http://x/pets/7"),
        ("{uri: 'http://x/pets/{id}'}", "http://x/pets/7"),
        ("http://x/{name}/{flag}", "http://x/a%20b%2Fc%3F/true"),
        ("http://x/[{missing}][{nothing}]", "http://x/[][]"),
        ("http://x/{pet.id}", "http://x/verbatim"),
        ("'${ \"http://x/\" + .name }'", "http://x/a b/c?"),
        ("'${ \"http://x/{id}\" }'", "http://x/{id}"),
        ("service://registry/{id}", "service://registry/7"),
    ],
)
def test_addresses_are_templates_or_expressions(simulate: Callable[..., Any], endpoint: str, url: str) -> None:
    """`{name}` takes a top-level property of the input, percent-encoded; what an expression gives is left alone."""
    quoted = endpoint if endpoint[0] in "'{" else f"'{endpoint}'"
    payload = {"id": 7, "name": "a b/c?", "flag": True, "nothing": None, "pet": {"id": 1}, "pet.id": "verbatim"}
    assert sent(simulate, f"method: GET, endpoint: {quoted}", payload).url == url


@pytest.mark.parametrize("value", [{}, []])
def test_only_plain_values_stand_in_addresses(simulate: Callable[..., Any], value: object) -> None:
    """An object or list in a URI template is an expression error."""
    error = simulate(source("method: get, endpoint: 'http://x/{v}'"), {"v": value}, http=Remote()).error.error
    assert (error.type, error.instance) == (PREFIX + "expression", "/do/0/get")


def test_query_parameters_are_added(simulate: Callable[..., Any]) -> None:
    """`query` adds to the address, encoded; a list gives several, null none; an expression may give the whole."""
    request = sent(
        simulate,
        "method: get, endpoint: 'http://x/?a=1#top', query: {q: '${ .q }', b: '${ .b }', l: '${ .l }', n: '${ .n }'}",
        {"q": "a b&c", "b": False, "l": [1, "2"]},
    )
    assert request.url == "http://x/?a=1&q=a%20b%26c&b=false&l=1&l=2#top"
    assert (
        sent(simulate, "method: get, endpoint: 'http://x/', query: '${ .all }'", {"all": {"z": 1}}).url
        == "http://x/?z=1"
    )


def test_headers_are_text(simulate: Callable[..., Any]) -> None:
    """`headers` are filled in and sent as text; null sends none."""
    request = sent(
        simulate,
        "method: get, endpoint: 'http://x', headers: {X-One: '${ .n }', X-Two: 'yes', X-No: '${ .no }'}",
        {"n": 5},
    )
    assert request.headers == {"X-One": "5", "X-Two": "yes"}


@pytest.mark.parametrize(
    ("extra", "content_type", "content"),
    [
        ("body: {a: '${ .v }', b: .v}", "application/json", b'{"a":"\xc3\xa9","b":".v"}'),
        ("body: '${ [.v] }'", "application/json", b'["\xc3\xa9"]'),
        ("body: '${ .v }'", "text/plain; charset=utf-8", b"\xc3\xa9"),
        ("body: 'hi', headers: {Content-Type: application/json}", "application/json", b'"hi"'),
        ("body: '<a/>', headers: {content-type: application/xml}", "application/xml", b"<a/>"),
        (
            "body: {a: 1, b: [x, y]}, headers: {content-type: application/x-www-form-urlencoded}",
            "application/x-www-form-urlencoded",
            b"a=1&b=x&b=y",
        ),
        ("body: {a: 1}, headers: {content-type: application/problem+json}", "application/problem+json", b'{"a":1}'),
        ("body: null", None, b""),
        ("redirect: false", None, b""),
    ],
)
def test_bodies_are_encoded_by_content_type(
    simulate: Callable[..., Any], extra: str, content_type: str | None, content: bytes
) -> None:
    """A body is JSON unless it is text or its content type says otherwise."""
    request = sent(simulate, f"method: post, endpoint: 'http://x', {extra}", {"v": "é"})
    headers = {name.lower(): value for name, value in request.headers.items()}
    assert (request.method, headers.get("content-type"), request.content) == ("POST", content_type, content)


@pytest.mark.parametrize(
    ("headers", "content", "output"),
    [
        (JSON, b"[1.5]", [1.5]),
        ({"Content-Type": "application/problem+json; charset=utf-8"}, b"{}", {}),
        ({"content-type": "text/html"}, b"<p>", "<p>"),
        ({"content-type": "image/png"}, b"\x89PNG", b64encode(b"\x89PNG").decode()),
        (JSON, b"not json", b64encode(b"not json").decode()),
        (JSON, b"NaN", b64encode(b"NaN").decode()),
        ({}, b"plain", "plain"),
        (JSON, b"", None),
    ],
)
def test_content_is_read_by_its_type(
    simulate: Callable[..., Any], headers: dict[str, str], content: bytes, output: object
) -> None:
    """JSON is parsed, text is text, and everything else (broken JSON too) is handed on in base-64."""
    remote = Remote(HttpResponse(200, headers, content))
    assert simulate(source("method: get, endpoint: 'http://x'"), http=remote).output == output


def test_the_whole_response_can_be_the_output(execute: Callable[..., Any]) -> None:
    """`output: response` gives request, status, headers and content; credentials are not repeated."""
    arguments = (
        "method: get, output: response, headers: {a: b}, "
        "endpoint: {uri: 'http://x', authentication: {bearer: {token: secret}}}"
    )
    assert execute(source(arguments), http=Remote()) == {
        "request": {"method": "get", "uri": "http://x", "headers": {"a": "b"}},
        "statusCode": 200,
        "headers": JSON,
        "content": {"ok": True},
    }


def test_raw_output_is_the_bytes(simulate: Callable[..., Any]) -> None:
    """`output: raw` gives the bytes in base-64, whatever their type."""
    output = simulate(source("method: get, endpoint: 'http://x', output: raw"), http=Remote()).output
    assert output == b64encode(b'{"ok": true}').decode()


@pytest.mark.parametrize(
    ("redirect", "status", "fails"),
    [("false", 302, True), ("true", 302, False), ("true", 400, True), ("false", 204, False), ("false", 199, True)],
)
def test_which_statuses_are_errors(simulate: Callable[..., Any], redirect: str, status: int, fails: bool) -> None:
    """Success is 200 to 299, with `redirect: true` 200 to 399; redirections are followed only then."""
    remote = Remote(HttpResponse(status))
    simulation = simulate(source(f"method: get, endpoint: 'http://x', redirect: {redirect}"), http=remote)
    assert (simulation.error is not None) is fails
    assert remote.requests[0].follow_redirects is (redirect == "true")


def test_an_error_status_is_a_communication_error(execute: Callable[..., Any]) -> None:
    """A failed call raises the standard error "communication" with the answer's status, reason and beginning."""
    remote = Remote(HttpResponse(404, JSON, b'{"why": "gone"}', "Not Found"))
    with pytest.raises(TaskError) as caught:
        execute(source("method: get, endpoint: 'http://x/a'"), http=remote)
    assert caught.value.error.as_dict() == {
        "type": PREFIX + "communication",
        "status": 404,
        "title": "Not Found",
        "detail": 'GET http://x/a answered 404 Not Found: {"why": "gone"}',
        "instance": "/do/0/get",
    }
    assert len(remote.requests) == 1


def test_no_answer_is_a_communication_error(execute: Callable[..., Any]) -> None:
    """Where there is no answer the error has the type's own status, 500, and says why."""
    with pytest.raises(TaskError) as caught:
        execute(source("method: get, endpoint: 'http://x/a'"), http=Remote(None))
    error = caught.value.error
    assert (error.type, error.status) == (PREFIX + "communication", 500)
    assert error.detail == "GET http://x/a got no answer: ConnectError: nobody there"


@pytest.mark.parametrize(
    ("authentication", "header"),
    [
        ("{basic: {username: '${ .user }', password: pass}}", "Basic " + b64encode(b"me:pass").decode()),
        ("{bearer: {token: '${ .token }'}}", "Bearer abc"),
        ("{use: shared}", "Bearer abc"),
    ],
)
def test_calls_authenticate(simulate: Callable[..., Any], authentication: str, header: str) -> None:
    """Basic and bearer authentication, given or by name, set the Authorization header over one of the same name."""
    remote = Remote()
    endpoint = f"{{uri: 'http://x', authentication: {authentication}}}"
    text = (
        "use: {authentications: {shared: {bearer: {token: '${ .token }'}}}}\n"
        f"do: [{{get: {{call: http, with: {{method: get, headers: {{AUTHORIZATION: x}}, endpoint: {endpoint}}}, "
        "output: {as: $authorization}}}]"
    )
    output = simulate(text, {"user": "me", "token": "abc"}, http=remote).output
    assert remote.requests[0].headers == {"authorization": header}
    assert f"{output['scheme']} {output['parameter']}" == header
