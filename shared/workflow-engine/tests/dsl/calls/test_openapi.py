import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import PlainTextResponse, RedirectResponse

CALL = "do: [{{a: {{call: openapi, with: {{document: {{endpoint: '{url}/openapi'}}, operationId: {operation}, {rest}}}}}}}]"


def parameter(name: str, place: str, **fields: Any) -> dict[str, Any]:
    return {"name": name, "in": place, "required": place == "path", "schema": {}, **fields}


def document(version: str = "3.0.3", path: str = "/op/{id}", method: str = "get", **operation: Any) -> dict[str, Any]:
    return {"openapi": version, "info": {}, "paths": {path: {method: {"operationId": "op", **operation}}}}


def called(run: Callable[..., Any], site: Any, serve: Any, api: Any, parameters: Any, rest: str = "") -> Any:
    """Call `op` of a document; gives the request that the site got."""
    url = serve(site)
    site.answers["/openapi"] = api
    ran = run(CALL.format(url=url, operation="op", rest=f"parameters: {json.dumps(parameters)}, {rest}"))
    assert len(site.asked) >= 2, ran.error
    return site.asked[-1]


@pytest.mark.parametrize(
    ("declared", "value", "path", "query"),
    [
        (parameter("id", "path"), "a b/c", "/op/a%20b%2Fc", ""),
        (parameter("id", "path"), [3, 4], "/op/3,4", ""),
        (parameter("id", "path"), {"r": 1, "g": 2}, "/op/r,1,g,2", ""),
        (parameter("id", "path", explode=True), {"r": 1, "g": 2}, "/op/r=1,g=2", ""),
        (parameter("id", "path", style="label"), [3, 4], "/op/.3,4", ""),
        (parameter("id", "path", style="label", explode=True), [3, 4], "/op/.3.4", ""),
        (parameter("id", "path", style="matrix"), [3, 4], "/op/;id=3,4", ""),
        (parameter("id", "path", style="matrix", explode=True), [3, 4], "/op/;id=3;id=4", ""),
        (parameter("id", "path", style="matrix", explode=True), {"r": 1}, "/op/;r=1", ""),
        (parameter("q", "query"), True, "/op/{id}", "q=true"),
        (parameter("q", "query"), ["a", "b&c"], "/op/{id}", "q=a&q=b%26c"),
        (parameter("q", "query", explode=False), ["a", "b"], "/op/{id}", "q=a,b"),
        (parameter("q", "query", style="spaceDelimited", explode=False), ["a", "b"], "/op/{id}", "q=a%20b"),
        (parameter("q", "query", style="pipeDelimited", explode=False), ["a", "b"], "/op/{id}", "q=a|b"),
        (parameter("q", "query", style="deepObject"), {"a": 1, "b": [2, 3]}, "/op/{id}", "q[a]=1&q[b]=2&q[b]=3"),
        (parameter("q", "query"), {"a": 1, "b": "c d"}, "/op/{id}", "a=1&b=c%20d"),
        (parameter("q", "query", allowReserved=True), "a/b?c", "/op/{id}", "q=a/b?c"),
        (
            parameter("q", "query", content={"application/json": {}}),
            {"a": [1]},
            "/op/{id}",
            "q=%7B%22a%22%3A%5B1%5D%7D",
        ),
        (parameter("q", "querystring"), {"a": 1, "b": 2}, "/op/{id}", "a=1&b=2"),
        (parameter("q", "query"), None, "/op/{id}", ""),
    ],
)
def test_parameters_are_written_by_style(
    run: Callable[..., Any], site: Any, serve: Any, declared: Any, value: Any, path: str, query: str
) -> None:
    """Path and query parameters are written as style and explode say (OpenAPI 3, "Style Examples")."""
    asked = called(run, site, serve, document(parameters=[declared]), {declared["name"]: value})
    assert (asked.path.replace("%7B", "{").replace("%7D", "}"), asked.query) == (path, query)


def test_headers_and_cookies(run: Callable[..., Any], site: Any, serve: Any) -> None:
    """Header and cookie parameters go where they belong."""
    api = document(
        path="/op", parameters=[parameter("X-A", "header"), parameter("c", "cookie"), parameter("d", "cookie")]
    )
    asked = called(run, site, serve, api, {"X-A": [1, 2], "c": "v", "d": 3})
    assert asked.headers["x-a"] == "1,2"
    assert asked.headers["cookie"] == "c=v; d=3"


@pytest.mark.parametrize(
    ("fmt", "query"),
    [(None, "q=a%2Cx,b"), ("csv", "q=a%2Cx,b"), ("ssv", "q=a%2Cx%20b"), ("tsv", "q=a%2Cx%09b"), ("pipes", "q=a%2Cx|b"), ("multi", "q=a%2Cx&q=b")],
)  # fmt: skip
def test_swagger_collections(run: Callable[..., Any], site: Any, serve: Any, fmt: str | None, query: str) -> None:
    """Swagger 2.0 writes arrays by collectionFormat."""
    declared = {"name": "q", "in": "query", "type": "array", **({"collectionFormat": fmt} if fmt else {})}
    api = {
        "swagger": "2.0",
        "basePath": "/v1/",
        "paths": {"/op": {"get": {"operationId": "op", "parameters": [declared]}}},
    }
    asked = called(run, site, serve, api, {"q": ["a,x", "b"]})
    assert (asked.path, asked.query) == ("/v1/op", query)


@pytest.mark.parametrize(
    ("declared", "consumes", "parameters", "kind", "body"),
    [
        ([{"name": "pet", "in": "body", "schema": {}}], [], {"pet": {"a": 1}}, "application/json", b'{"a":1}'),
        (
            [{"name": "a", "in": "formData", "type": "string"}],
            [],
            {"a": "x y"},
            "application/x-www-form-urlencoded",
            b"a=x+y",
        ),
        (
            [{"name": "a", "in": "formData", "type": "file"}],
            [],
            {"a": "text"},
            "multipart/form-data",
            b'name="a"\r\n\r\ntext\r\n',
        ),
    ],
)
def test_swagger_bodies(
    run: Callable[..., Any],
    site: Any,
    serve: Any,
    declared: Any,
    consumes: Any,
    parameters: Any,
    kind: str,
    body: bytes,
) -> None:
    """Swagger 2.0 has bodies and forms among its parameters, by name."""
    api = {
        "swagger": "2.0",
        "paths": {"/op": {"post": {"operationId": "op", "consumes": consumes, "parameters": declared}}},
    }
    asked = called(run, site, serve, api, parameters)
    assert asked.headers["content-type"].startswith(kind)
    assert body in asked.body


SCHEMA = {"type": "object", "properties": {"name": {}, "tags": {}}}


@pytest.mark.parametrize(
    ("content", "parameters", "kind", "body"),
    [
        (
            {"application/json": {"schema": SCHEMA}},
            {"name": "Milou", "tags": [1]},
            "application/json",
            b'{"name":"Milou","tags":[1]}',
        ),
        ({"application/json": {"schema": SCHEMA}}, {"body": [1, 2]}, "application/json", b"[1,2]"),
        (
            {"application/json": {"schema": {"properties": {"body": {}}}}},
            {"body": 1},
            "application/json",
            b'{"body":1}',
        ),
        (
            {"application/xml": {}, "application/vnd.a+json": {}},
            {"name": "x"},
            "application/vnd.a+json",
            b'{"name":"x"}',
        ),
        ({"application/x-www-form-urlencoded": {}}, {"a": [1, 2]}, "application/x-www-form-urlencoded", b"a=1&a=2"),
        ({"text/plain": {}}, {"body": "hi"}, "text/plain", b"hi"),
        ({"multipart/form-data": {}}, {"a": "x", "j": {"k": 1}}, "multipart/form-data", b'{"k":1}'),
    ],
)
def test_bodies(
    run: Callable[..., Any], site: Any, serve: Any, content: Any, parameters: Any, kind: str, body: bytes
) -> None:
    """In OpenAPI 3 what is left of the parameters is the body: its properties, or all of it under `body`."""
    api = document(
        path="/op/{id}", method="post", parameters=[parameter("id", "path")], requestBody={"content": content}
    )
    asked = called(run, site, serve, api, {"id": 1, **parameters})
    assert (asked.method, asked.path) == ("POST", "/op/1")
    assert asked.headers["content-type"].startswith(kind)
    assert body in asked.body


YAML_DOCUMENT = """
openapi: 3.1.0
servers:
- {url: '/{stage}/v1/', variables: {stage: {default: live}}}
paths:
  /op/{id}:
    $ref: 'parts/paths.json#/op~1id'
components: {parameters: {Id: {name: id, in: path, required: true, schema: {}}}}
"""


def test_yaml_and_references(run: Callable[..., Any], site: Any, serve: Any) -> None:
    """YAML documents, references inside a document and to others beside it, and relative servers with variables."""
    site.answers["/parts/paths.json"] = {
        "op/id": {
            "parameters": [{"$ref": "../openapi#/components/parameters/Id"}, {"$ref": "more.yaml#/Limit"}],
            "get": {"operationId": "op"},
        }
    }
    site.answers["/parts/more.yaml"] = PlainTextResponse("Limit: {name: limit, in: query, schema: {}}")
    asked = called(run, site, serve, PlainTextResponse(YAML_DOCUMENT), {"id": 5, "limit": 2})
    assert (asked.path, asked.query) == ("/live/v1/op/5", "limit=2")


@pytest.mark.parametrize("version", ["3.0.0", "3.0.4", "3.1.1", "3.2.0"])
def test_versions(run: Callable[..., Any], site: Any, serve: Any, version: str) -> None:
    """OpenAPI 3.0 to 3.2 are understood; 3.2 may have methods of its own."""
    if version == "3.2.0":
        api = {"openapi": version, "paths": {"/op": {"additionalOperations": {"COPY": {"operationId": "op"}}}}}
        assert called(run, site, serve, api, {}).method == "COPY"
    else:
        assert called(run, site, serve, document(version, path="/op"), {}).path == "/op"


def test_authentication_output_and_redirect(run: Callable[..., Any], site: Any, serve: Any) -> None:
    """The document's policy fetches the document, the call's policy calls; `output` and `redirect` are those of HTTP calls."""
    url = serve(site)
    site.answers["/openapi"] = document(path="/op")
    site.answers["/op"] = lambda _: RedirectResponse(f"{url}/there", 302)
    site.answers["/there"] = {"ok": True}
    text = (
        "use: {secrets: [doc, api]}\n"
        f"do: [{{a: {{call: openapi, with: {{document: {{endpoint: {{uri: '{url}/openapi', authentication: {{bearer: {{use: doc}}}}}}}}, "
        "operationId: op, authentication: {bearer: {use: api}}, output: response, redirect: true}}}]"
    )
    ran = run(text, secrets={"doc": "for-the-document", "api": "for-the-operation"})
    assert (ran.output["statusCode"], ran.output["content"]) == (200, {"ok": True})
    assert [asked.headers.get("authorization") for asked in site.asked[:2]] == [
        "Bearer for-the-document",
        "Bearer for-the-operation",
    ]


@pytest.mark.parametrize(
    ("api", "operation", "parameters", "kind", "message"),
    [
        (document(), "opp", {}, "configuration", "has no operation 'opp'; did you mean 'op'?"),
        (document(parameters=[parameter("id", "path")]), "op", {}, "validation", "needs the parameter 'id' (path)"),
        (
            document(parameters=[parameter("limit", "query")]),
            "op",
            {"limits": 1},
            "validation",
            "did you mean 'limit'?",
        ),
        (
            {"openapi": "4.0.0"},
            "op",
            {},
            "communication",
            "is of version 4.0.0; understood are Swagger 2.0 and OpenAPI 3.0 to 3.2",
        ),
        ({"info": {}}, "op", {}, "communication", "says no version"),
        (
            document(parameters=[{"$ref": "#/nowhere"}]),
            "op",
            {},
            "communication",
            "the reference '#/nowhere' leads nowhere",
        ),
        (
            {"openapi": "3.0.0", "paths": {"/op": {"$ref": "#/paths/~1op"}}},
            "op",
            {},
            "communication",
            "lead in a circle",
        ),
        (PlainTextResponse("a: b: c"), "op", {}, "communication", "is neither JSON nor YAML"),
        (PlainTextResponse("gone", 410), "op", {}, "communication", "answered 410"),
    ],
)
def test_what_is_wrong_is_told(
    fails: Callable[..., Any], site: Any, serve: Any, api: Any, operation: str, parameters: Any, kind: str, message: str
) -> None:
    """Documents that are not right, and calls that do not fit them, are errors that say so."""
    url = serve(site)
    site.answers["/openapi"] = api
    error = fails(CALL.format(url=url, operation=operation, rest=f"parameters: {json.dumps(parameters)}"))
    assert (error["type"], message in error["detail"]) == (kind, True), error


@pytest.mark.parametrize(
    "api", [{"swagger": "2.0"}, {"openapi": "3.0.0"}, {"openapi": "3.0.0", "servers": [{"url": "/v1"}]}]
)
def test_a_file_without_a_server(fails: Callable[..., Any], tmp_path: Path, api: Any) -> None:
    """A document from a file has to name its server."""
    path = tmp_path / "api.json"
    path.write_text(json.dumps({**api, "paths": {"/op": {"get": {"operationId": "op"}}}}))
    error = fails(
        f"do: [{{a: {{call: openapi, with: {{document: {{endpoint: '{path.as_uri()}'}}, operationId: op}}}}}}]"
    )
    assert (error["type"], "names no server" in error["detail"]) == ("configuration", True)


def test_a_document_is_fetched_once_for_many_calls(run: Callable[..., Any], site: Any, serve: Any) -> None:
    """A document that needs no authentication is kept for some minutes."""
    url = serve(site)
    site.answers |= {"/openapi": document(path="/op"), "/op": {"n": 1}}
    call = f"call: openapi, with: {{document: {{endpoint: '{url}/openapi'}}, operationId: op}}"
    assert run(f"do: [{{a: {{{call}}}}}, {{b: {{{call}}}}}]").output == {"n": 1}
    assert [asked.path for asked in site.asked] == ["/openapi", "/op", "/op"]
