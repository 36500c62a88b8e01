import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.message_factory import GetMessageClass
from grpc_reflection.v1alpha import reflection
from starlette.responses import PlainTextResponse

from maestro_workflow_engine.dsl._masking import Mask
from maestro_workflow_engine.dsl.calls._context import CallContext, Shared
from maestro_workflow_engine.dsl.calls._proto import Services, services_of

PROTO = """
syntax = "proto3";
package GreeterApi;
import "common/person.proto";
import "google/protobuf/timestamp.proto";
// import "not/this.proto";
service Greeter {
  rpc SayHello (common.Person) returns (Reply);
  rpc Count (common.Person) returns (stream Reply);
  rpc Gather (stream common.Person) returns (Reply);
  rpc Chat (stream common.Person) returns (stream Reply);
  rpc Fail (common.Person) returns (Reply);
}
message Reply { string message = 1; int64 big_number = 2; google.protobuf.Timestamp at = 3; string told = 4; }
"""
PERSON = 'syntax = "proto3"; package common; message Person { string name = 1; string home_town = 2; repeated int32 ages = 3; }'


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the proto files."""
    folder = tmp_path_factory.mktemp("proto")
    (folder / "greet").mkdir()
    (folder / "common").mkdir()
    (folder / "greet" / "greet.proto").write_text(PROTO)
    (folder / "common" / "person.proto").write_text(PERSON)
    return folder


@pytest.fixture(scope="module")
def services(folder: Path) -> Services:
    """Compile them."""
    context = CallContext(Shared(None, None), Mask(), frozenset())  # type: ignore[arg-type]
    return asyncio.run(services_of({"uri": str(folder / "greet" / "greet.proto")}, context))


class Greeter(grpc.GenericRpcHandler):
    """The service, on the messages that were compiled."""

    def __init__(self, services: Services) -> None:
        self._service = services.pool.FindServiceByName("GreeterApi.Greeter")

    def service(self, details: Any) -> Any:
        prefix, _, name = details.method.rpartition("/")
        if prefix != "/GreeterApi.Greeter":
            return None
        method = self._service.methods_by_name[name]
        asked, replied = GetMessageClass(method.input_type), GetMessageClass(method.output_type)
        told = dict(details.invocation_metadata).get("authorization", "")

        def reply(**fields: Any) -> Any:
            return ParseDict({"told": told, **fields}, replied())

        def hello(request: Any, _context: Any) -> Any:
            person = MessageToDict(request)
            return reply(
                message=f"Hello {person.get('name')} of {person.get('homeTown')}",
                bigNumber=2**60,
                at="2026-01-01T00:00:00Z",
            )

        def fail(request: Any, context: Any) -> Any:
            context.abort(grpc.StatusCode[request.name], "on purpose")

        def count(request: Any, _context: Any) -> Iterator[Any]:
            return (reply(message=f"{request.name} {n}") for n in request.ages)

        def gather(requests: Iterator[Any], _context: Any) -> Any:
            return reply(message=" ".join(request.name for request in requests))

        def chat(requests: Iterator[Any], _context: Any) -> Iterator[Any]:
            return (reply(message=text) for request in requests for text in (request.name, request.name.upper()))

        make, function = {
            "SayHello": (grpc.unary_unary_rpc_method_handler, hello),
            "Fail": (grpc.unary_unary_rpc_method_handler, fail),
            "Count": (grpc.unary_stream_rpc_method_handler, count),
            "Gather": (grpc.stream_unary_rpc_method_handler, gather),
            "Chat": (grpc.stream_stream_rpc_method_handler, chat),
        }[name]
        return make(function, request_deserializer=asked.FromString, response_serializer=replied.SerializeToString)


@pytest.fixture(scope="module")
def port(services: Services) -> Iterator[int]:
    """Serve the service, with reflection."""
    threads = ThreadPoolExecutor(4)
    server = grpc.server(threads)
    server.add_generic_rpc_handlers((Greeter(services),))
    reflection.enable_server_reflection(["GreeterApi.Greeter", reflection.SERVICE_NAME], server, services.pool)
    yield_port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield yield_port
    stopped = server.stop(None)
    assert isinstance(stopped, threading.Event)
    assert stopped.wait(20)
    threads.shutdown()


def call(port: int, proto: Any, method: str, arguments: Any, service: str = "GreeterApi.Greeter", **more: Any) -> str:
    given = {
        "proto": {"endpoint": str(proto)},
        "service": {"name": service, "host": "127.0.0.1", "port": port, **more},
        "method": method,
        "arguments": arguments,
    }
    return f"use: {{secrets: [token]}}\ndo: [{{a: {{call: grpc, with: {json.dumps(given)}}}}}]"


REPLY = {"message": "Hello bob of Antwerp", "bigNumber": str(2**60), "at": "2026-01-01T00:00:00Z"}


@pytest.mark.parametrize("form", ["path", "file", "reflection"])
def test_a_method_described_by_file_or_reflection(run: Callable[..., Any], folder: Path, port: int, form: str) -> None:
    """Arguments and reply are JSON as protobuf maps it; the description is a file with its imports, or the server's own."""
    path = folder / "greet" / "greet.proto"
    proto = {"path": str(path), "file": path.as_uri(), "reflection": f"grpc://127.0.0.1:{port}"}[form]
    ran = run(call(port, proto, "SayHello", {"name": "${ .name }", "homeTown": "Antwerp"}), {"name": "bob"})
    assert ran.output == REPLY


def test_a_proto_file_from_a_server(run: Callable[..., Any], site: Any, serve: Any, port: int) -> None:
    """A proto file may be at an address; its imports are found beside it and above."""
    site.answers |= {
        "/p/greet/greet.proto": PlainTextResponse(PROTO),
        "/p/common/person.proto": PlainTextResponse(PERSON),
    }
    proto = serve(site) + "/p/greet/greet.proto"
    assert run(call(port, proto, "SayHello", {"name": "bob", "home_town": "Antwerp"})).output == REPLY


@pytest.mark.parametrize(
    ("method", "output"),
    [
        ("Count", [{"message": "bob 1"}, {"message": "bob 2"}]),
        ("Gather", {"message": "bob"}),
        ("Chat", [{"message": "bob"}, {"message": "BOB"}]),
    ],
)
def test_streams(run: Callable[..., Any], folder: Path, port: int, method: str, output: Any) -> None:
    """A stream of replies becomes a list; where a stream of requests is wanted, the arguments are the one request."""
    proto = folder / "greet" / "greet.proto"
    assert run(call(port, proto, method, {"name": "bob", "ages": [1, 2]})).output == output


def test_credentials_go_as_metadata(run: Callable[..., Any], folder: Path, port: int) -> None:
    """A policy becomes the `authorization` metadata; a package may be left out of the service's name."""
    proto = folder / "greet" / "greet.proto"
    source = call(port, proto, "Gather", {}, "Greeter", authentication={"basic": {"username": "me", "password": "pw"}})
    assert run(source).output == {"told": "Basic bWU6cHc="}
    ran = run(
        call(port, proto, "Gather", {}, authentication={"bearer": {"use": "token"}}), secrets={"token": "grpc-token-1"}
    )
    assert ran.output == {"told": "Bearer **********"}
    assert "grpc-token-1" not in ran.history


@pytest.mark.parametrize(
    ("code", "status"),
    [("NOT_FOUND", 404), ("UNAVAILABLE", 503), ("UNAUTHENTICATED", 401), ("PERMISSION_DENIED", 403), ("INTERNAL", 500)],
)
def test_statuses_are_communication_errors(
    fails: Callable[..., Any], folder: Path, port: int, code: str, status: int
) -> None:
    """A gRPC status is the standard error "communication", with the HTTP status that it stands for."""
    error = fails(call(port, folder / "greet" / "greet.proto", "Fail", {"name": code}))
    assert error["type"] == "communication"
    assert (error["status"], error["title"]) == (status, code)
    assert error["detail"] == f"GreeterApi.Greeter/Fail failed with {code}: on purpose"


@pytest.mark.parametrize(
    ("method", "service", "arguments", "kind", "message"),
    [
        ("SayHallo", "GreeterApi.Greeter", {}, "configuration", "has no method 'SayHallo'; did you mean 'SayHello'?"),
        ("SayHello", "GreeterApi.Greter", {}, "configuration", "no gRPC service 'GreeterApi.Greter'; did you mean 'GreeterApi.Greeter'?"),
        ("SayHello", "GreeterApi.Greeter", {"nam": "x"}, "validation", "do not fit common.Person"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_told(
    fails: Callable[..., Any],
    folder: Path,
    port: int,
    method: str,
    service: str,
    arguments: Any,
    kind: str,
    message: str,
) -> None:
    """Names and arguments that the description does not know are errors that say so."""
    error = fails(call(port, folder / "greet" / "greet.proto", method, arguments, service))
    assert (error["type"], message in error["detail"]) == (kind, True), error


def test_proto_files_that_are_wrong(fails: Callable[..., Any], tmp_path: Path, port: int) -> None:
    """A compiler's message, an import that is not there, and one that leads outside are told."""
    broken = tmp_path / "broken.proto"
    broken.write_text('syntax = "proto3"; message A { strin a = 1; }')
    assert '"strin" is not defined' in fails(call(port, broken, "M", {}))["detail"]
    broken.write_text('syntax = "proto3"; import "nowhere.proto";')
    assert "nowhere.proto cannot be read" in fails(call(port, broken, "M", {}))["detail"]
    broken.write_text('syntax = "proto3"; import "../../etc/x.proto";')
    assert "leads out of its folder" in fails(call(port, broken, "M", {}))["detail"]


def test_a_server_that_is_not_there(fails: Callable[..., Any], folder: Path) -> None:
    """A server that cannot be reached is UNAVAILABLE, for calls and for reflection."""
    error = fails(call(1, folder / "greet" / "greet.proto", "SayHello", {}))
    assert (error["status"], error["title"]) == (503, "UNAVAILABLE")
    assert "does not describe its services" in fails(call(1, "grpc://127.0.0.1:1", "SayHello", {}))["detail"]


def test_a_missing_library_names_the_extra(fails: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Without its libraries the call says what to install."""
    import sys

    monkeypatch.delitem(sys.modules, "maestro_workflow_engine.dsl.calls._grpc", raising=False)
    monkeypatch.setitem(sys.modules, "grpc", None)
    error = fails(call(1, "x.proto", "M", {}))
    assert error["type"] == "configuration"
    assert "pip install 'maestro-workflow-engine[grpc]'" in error["detail"]
