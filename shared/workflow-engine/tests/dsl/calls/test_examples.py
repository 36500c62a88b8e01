"""The specification's examples of calls, authentication and extensions, unchanged, against stand-ins at transport level."""

import asyncio
import json
import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest
from starlette.responses import PlainTextResponse, RedirectResponse
from websockets.asyncio.server import ServerConnection
from websockets.asyncio.server import serve as serve_ws

from maestro_workflow_engine import WorkflowEngine
from maestro_workflow_engine.dsl import FixedSecrets, HttpxCaller, Steps, load_document

PET = {"id": 1, "name": "Milou"}


def needs(scheme: str, page: Any) -> Callable[[Any], Any]:
    """Make a page for those who show these credentials only."""
    return lambda asked: page if asked.headers.get("authorization") == scheme else PlainTextResponse("who?", 401)


@pytest.mark.parametrize(
    ("name", "path", "payload"),
    [
        ("authentication-bearer", "/v2/pet/1", {"token": "abc"}),
        ("authentication-bearer-uri-format", "/v2/pet/1", {"token": "abc", "petId": 1}),
        ("authentication-reusable", "/v2/pet/1", {"token": "abc", "petId": 1}),
    ],
)
def test_bearer(run: Any, site: Any, world: Any, example_text: Any, name: str, path: str, payload: Any) -> None:
    """The pet is shown to whoever has the token of the workflow's input."""
    site.answers[path] = needs("Bearer abc", PET)
    assert run(example_text(name), payload, http=world).output == PET


KEYCLOAK = {
    "authority": "http://keycloak/realms/fake-authority",
    "grant": "client_credentials",
    "client": {"id": "workflow-runtime-id", "secret": "workflow-runtime-secret"},
}


@pytest.mark.parametrize(
    ("name", "endpoint"),
    [
        ("authentication-oauth2", "/realms/fake-authority/auth/token"),
        ("authentication-oauth2-secret", "/realms/fake-authority/oauth2/token"),
        ("authentication-oidc", "/realms/fake-authority/protocol/token"),
        ("authentication-oidc-secret", "/realms/fake-authority/protocol/token"),
    ],
)
def test_tokens(run: Any, site: Any, world: Any, example_text: Any, name: str, endpoint: str) -> None:
    """The token comes from the authority, by discovery for oidc, to a client that is in the document or in the secret."""
    site.answers["/realms/fake-authority/.well-known/openid-configuration"] = {
        "token_endpoint": "http://keycloak/realms/fake-authority/protocol/token"
    }
    site.answers[endpoint] = {"access_token": "issued-token", "expires_in": 60}
    site.answers["/v2/pet/1"] = needs("Bearer issued-token", PET)
    ran = run(example_text(name), {"petId": 1}, http=world, secrets={"mySecret": KEYCLOAK})
    assert ran.output == PET
    asked = next(asked for asked in site.asked if asked.path == endpoint)
    assert (asked.form["client_id"], asked.form["client_secret"]) == ("workflow-runtime-id", "workflow-runtime-secret")
    assert "issued-token" not in ran.history


@pytest.mark.parametrize("name", ["call-http-endpoint-interpolation", "call-http-endpoint-interpolation-shorthand"])
def test_interpolation(run: Any, site: Any, world: Any, example_text: Any, name: str) -> None:
    """The pet's id is put into the address."""
    site.answers["/v2/pet/7"] = PET
    assert run(example_text(name), {"petId": 7}, http=world).output == PET


@pytest.mark.parametrize(
    "name", ["call-http-query-parameters", "call-http-query-headers-expressions", "call-http-redirect"]
)
def test_query(run: Any, site: Any, world: Any, example_text: Any, name: str) -> None:
    """The search is sent as a query; a redirection is followed where it is allowed."""
    if name == "call-http-redirect":
        site.answers["/api/people/"] = lambda asked: RedirectResponse(f"https://swapi.dev/found?{asked.query}")
        site.answers["/found"] = lambda asked: {"found": asked.query}
    else:
        site.answers["/api/people/"] = lambda asked: {"found": asked.query}
    assert run(example_text(name), {"searchQuery": "luke s"}, http=world).output == {"found": "search=luke%20s"}


def test_star_wars(run: Any, site: Any, world: Any, example_text: Any) -> None:
    """The second call goes to the address that the first one's answer names."""
    site.answers["/api/people/1"] = {"homeworld": "https://swapi.dev/api/planets/1/"}
    site.answers["/api/planets/1/"] = {"name": "Tatooine"}
    assert run(example_text("star-wars-homeworld"), {"id": 1}, http=world).output == {"name": "Tatooine"}


@pytest.mark.parametrize("name", ["call-openapi", "call-openapi-redirect"])
def test_openapi(run: Any, site: Any, world: Any, example_text: Any, name: str) -> None:
    """The pet store's own description says where to look for pets."""
    parameter = {"name": "status", "in": "query", "type": "array", "collectionFormat": "multi"}
    operation = {"operationId": "findPetsByStatus", "parameters": [parameter]}
    site.answers["/v2/swagger.json"] = {
        "swagger": "2.0",
        "host": "petstore.swagger.io",
        "basePath": "/v2",
        "schemes": ["https"],
        "paths": {"/pet/findByStatus": {"get": operation}},
    }
    if name == "call-openapi-redirect":
        site.answers["/v2/pet/findByStatus"] = lambda asked: RedirectResponse(f"/moved?{asked.query}")
    site.answers["/moved" if "redirect" in name else "/v2/pet/findByStatus"] = lambda asked: [asked.query]
    assert run(example_text(name), http=world).output == ["status=available"]


def test_functions(run: Any, site: Any, world: Any, example_text: Any) -> None:
    """A function of the document, and one that is fetched from its address."""
    site.answers["/v2/pet/69"] = PET
    assert run(example_text("call-custom-function-inline"), http=world).output == PET
    site.answers["/serverlessworkflow/catalog/main/functions/log/1.0.0/function.yaml"] = PlainTextResponse(
        "input: {schema: {document: {type: object, required: [message, level]}}}\nset: {logged: '${ .level + \": \" + .message }'}"
    )
    assert run(example_text("call-custom-function-cataloged"), http=world).output == {
        "logged": "information: Hello, world!"
    }


def test_mock_service(run: Any, site: Any, world: Any, example_text: Any) -> None:
    """Calls of the mocked service are answered by the extension; all others go out."""
    site.answers["/sample"] = {"real": True}
    text = example_text("mock-service-extension")
    assert run(text, http=world).output == {"real": True}
    shorthand = "endpoint: https://mocked.service.com/sample"
    mocked = run(text.replace("endpoint:\n          uri: https://fake.com/sample", shorthand), http=world)
    assert mocked.output == {
        "statusCode": 200,
        "headers": {"Content-Type": "application/json"},
        "content": {"foo": {"bar": "baz"}},
    }
    assert [asked.path for asked in site.asked] == ["/sample"]


def asyncapi(protocol: str = "http", url: str = "http://fake.com") -> dict[str, Any]:
    host = url.partition("://")[2]
    return {
        "asyncapi": "3.0.0",
        "servers": {
            "production": {"host": "prod.fake.com", "protocol": "kafka"},
            "staging": {"host": host, "protocol": protocol},
        },
        "channels": {
            "notifications": {"address": "notifications", "servers": [{"$ref": "#/servers/staging"}]},
            "/notifications": {"address": "/notifications", "servers": [{"$ref": "#/servers/staging"}]},
            "pets": {"address": "pets"},
        },
        "operations": {
            "getNotifications": {"action": "receive", "channel": {"$ref": "#/channels/notifications"}},
            "findPetsByStatus": {"action": "send", "channel": {"$ref": "#/channels/pets"}},
        },
    }


def test_asyncapi_publish(run: Any, site: Any, world: Any, example_text: Any) -> None:
    """The message goes to the server that is named, with the token of the workflow's input."""
    site.answers |= {"/docs/asyncapi.json": asyncapi(), "/pets": needs("Bearer abc", {})}
    ran = run(example_text("call-asyncapi-publish"), {"pet": {"id": 3}, "token": "abc"}, http=world)
    assert (ran.error, json.loads(site.asked[-1].body)) == (None, {"petId": 3})


def notification(n: int, first_name: str = "Ada") -> dict[str, Any]:
    return {"n": n, "from": {"firstName": first_name, "lastName": "L"}}


CONTEXT = """do:
  - know:
      set: {userId: u, contact: {firstName: Ada, lastName: L}}
      export: {as: .}
"""


def with_context(text: str) -> str:
    """Put a task before the example's own that exports the context which its filter needs."""
    return text.replace("do:\n", CONTEXT, 1)


def with_correlation(document: dict[str, Any]) -> dict[str, Any]:
    """Let messages carry their correlation id in the payload, since neither frames nor lines have headers."""
    for channel in document["channels"].values():
        channel["messages"] = {"m": {"correlationId": {"location": "$message.payload#/user"}}}
    return document


def test_asyncapi_amount(site: Any, serve: Any, world: HttpxCaller, example_text: Any) -> None:
    """Five of the user's messages are taken from a WebSocket; those of others are left out."""

    async def talk(connection: ServerConnection) -> None:
        for n in range(12):
            await connection.send(json.dumps({"user": "u", **notification(n, "Ada" if n % 2 else "Bob")}))
        await connection.wait_closed()

    async def main() -> Any:
        async with serve_ws(talk, "127.0.0.1", 0) as server:
            url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            site.answers["/docs/asyncapi.json"] = with_correlation(asyncapi("ws", url))
            document = load_document(with_context(example_text("call-asyncapi-subscribe-consume-amount")))
            workflow = document.as_workflow(Steps(http=world, secrets=FixedSecrets({})))
            async with WorkflowEngine("sqlite://", workflows=[workflow]) as engine:
                handle = await engine.start(document.qualified_name)
                async with asyncio.timeout(60):
                    return await handle.result()

    assert [message["payload"]["n"] for message in asyncio.run(main())] == [1, 3, 5, 7, 9]


@pytest.mark.parametrize("name", ["call-asyncapi-subscribe-consume-until", "call-asyncapi-subscribe-consume-while"])
def test_asyncapi_conditions_over_the_context(site: Any, world: HttpxCaller, example_text: Any, name: str) -> None:
    """Nothing exports `consumedMessages` in these examples, so that both go on consuming; every message is kept as it comes."""
    lines = "".join(json.dumps({"user": "u", **notification(n)}) + "\n" for n in range(4))
    given = iter([PlainTextResponse(lines, media_type="application/x-ndjson")])
    site.answers |= {
        "/docs/asyncapi.json": with_correlation(asyncapi()),
        "/notifications": lambda _: next(given, PlainTextResponse("", 204)),
    }
    document = load_document(with_context(example_text(name)))
    workflow = document.as_workflow(Steps(http=world, secrets=FixedSecrets({})))

    async def main() -> str:
        async with WorkflowEngine("sqlite://", workflows=[workflow]) as engine, asyncio.timeout(60):
            handle = await engine.start(document.qualified_name)
            while '"n": 3' not in (
                history := json.dumps([event.data for event in await handle.history()], default=repr)
            ):
                await asyncio.sleep(0.01)
            await handle.cancel()
            return history

    assert '"n": 0' in asyncio.run(main())


def test_mcp(run: Any, example_text: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`npx` is a program on the path that starts a server of the official SDK; the token reaches its environment."""
    npx = tmp_path / "npx"
    npx.write_text(f"#!/bin/sh\nexec {sys.executable} {Path(__file__).parent / 'mcp_server.py'}\n")
    npx.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    [content] = run(example_text("call-mcp")).output["content"]
    token = "xoxp-xv6Cv3jKqNW8esm5YnsftKwIzoQHUzAP"
    assert content["text"] == f"C1234567890 1623456789.123456 text/markdown Hello, world! :wave: {token}"


GREET = """syntax = "proto3";
package GreeterApi;
service Greeter { rpc SayHello (Hello) returns (Hello); }
message Hello { string name = 1; }
"""


def test_grpc(run: Any, example_text: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The proto file is found below the working folder; the greeter answers. Its port is another one if 5011 is taken."""
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "greet.proto").write_text(GREET)
    monkeypatch.chdir(tmp_path)

    def answer(request: bytes, _context: Any) -> bytes:
        name = b"Hello " + request[2:]  # a field of text is its tag, its length, the text
        return b"\n" + bytes([len(name)]) + name

    class Greeter(grpc.GenericRpcHandler):
        def service(self, details: Any) -> Any:
            return (
                grpc.unary_unary_rpc_method_handler(answer)
                if details.method == "/GreeterApi.Greeter/SayHello"
                else None
            )

    threads = ThreadPoolExecutor(2)
    server = grpc.server(threads)
    server.add_generic_rpc_handlers((Greeter(),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        text = (
            example_text("call-grpc")
            .replace("port: 5011", f"port: {port}")
            .replace("host: localhost", "host: 127.0.0.1")
        )
        assert run(text, {"user": {"preferredDisplayName": "Ada"}}).output == {"name": "Hello Ada"}
    finally:
        assert server.stop(None).wait(20)
        threads.shutdown()
