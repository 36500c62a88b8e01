import importlib.util
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SERVER = Path(__file__).parent / "mcp_server.py"


def stdio(method: str, parameters: Any = None, **more: Any) -> str:
    transport = {"stdio": {"command": sys.executable, "arguments": [str(SERVER)], **more.pop("stdio", {})}}
    arguments = {"method": method, "transport": transport, **more}
    if parameters is not None:
        arguments["parameters"] = parameters
    return f"do: [{{a: {{call: mcp, with: {json.dumps(arguments)}}}}}]"


@pytest.fixture
def endpoint(serve: Callable[[Any], str]) -> str:
    """Serve the SDK's server over streamable HTTP."""
    spec = importlib.util.spec_from_file_location("mcp_server", SERVER)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return serve(module.make().streamable_http_app()) + "/mcp"


def http(endpoint: str, method: str, parameters: Any = None, **more: Any) -> str:
    arguments = {"method": method, "transport": {"http": {"endpoint": endpoint, **more}}}
    if parameters is not None:
        arguments["parameters"] = parameters
    return f"do: [{{a: {{call: mcp, with: {json.dumps(arguments)}}}}}]"


MESSAGE = {
    "name": "conversations_add_message",
    "arguments": {"channel_id": "C1", "thread_ts": "1", "payload": "${ .text }", "content_type": "text/plain"},
}
SHOWN: list[tuple[str, Any, Callable[[Any], Any], Any]] = [
    ("tools/list", None, lambda out: [tool["name"] for tool in out["tools"]], ["conversations_add_message", "environment", "fail"]),
    ("tools/call", MESSAGE, lambda out: out["content"][0]["text"], "C1 1 text/plain hi None"),
    ("prompts/list", None, lambda out: out["prompts"][0]["name"], "ask"),
    ("prompts/get", {"name": "ask", "arguments": {"topic": "jq"}}, lambda out: out["messages"][0]["content"]["text"], "What about jq?"),
    ("resources/list", None, lambda out: out["resources"][0]["uri"], "note://today"),
    ("resources/read", {"uri": "note://monday"}, lambda out: out["contents"][0]["text"], "note of monday"),
    ("resources/templates/list", None, lambda out: out["resourceTemplates"][0]["uriTemplate"], "note://{day}"),
]  # fmt: skip
METHODS = pytest.mark.parametrize(("method", "parameters", "shown", "expected"), SHOWN, ids=[case[0] for case in SHOWN])


@pytest.mark.parametrize(
    ("method", "parameters", "shown", "expected"), SHOWN[1::2], ids=[case[0] for case in SHOWN[1::2]]
)
def test_methods_over_stdio(run: Callable[..., Any], method: str, parameters: Any, shown: Any, expected: Any) -> None:
    """Methods reach a server of the official SDK over its standard streams; the result is the output."""
    ran = run(stdio(method, parameters), {"text": "hi"})
    assert ran.error is None, ran.error
    assert shown(ran.output) == expected


@METHODS
def test_methods_over_http(
    run: Callable[..., Any], endpoint: str, method: str, parameters: Any, shown: Any, expected: Any
) -> None:
    """Every method reaches a server of the official SDK over streamable HTTP."""
    ran = run(http(endpoint, method, parameters), {"text": "hi"})
    assert ran.error is None, ran.error
    assert shown(ran.output) == expected


def test_the_server_gets_its_environment_and_no_secret_of_ours(
    run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process gets the document's environment and what programs need to start; our other variables stay here."""
    monkeypatch.setenv("MAESTRO_SECRET_X", "hidden-from-programs")
    source = "use: {secrets: [slack]}\n" + stdio(
        "tools/call",
        {"name": "environment", "arguments": {}},
        stdio={"environment": {"TOKEN": "${ $secrets.slack }", "A": "1"}},
    )
    ran = run(source, secrets={"slack": "xoxp-secret"})
    told = json.loads(ran.output["content"][0]["text"])
    assert (told["A"], told["TOKEN"]) == ("1", "**********")
    assert "PATH" in told
    assert "MAESTRO_SECRET_X" not in told
    assert "xoxp-secret" not in ran.history


def test_an_error_of_a_tool_is_its_result(run: Callable[..., Any]) -> None:
    """A tool that fails answers so: that is a result, which says it is an error."""
    output = run(stdio("tools/call", {"name": "fail", "arguments": {}})).output
    assert output["isError"] is True
    assert output["content"][0]["text"].startswith("Error executing tool fail")


@pytest.mark.parametrize("transport", ["stdio", "http"])
def test_an_error_answer_is_a_runtime_error(fails: Callable[..., Any], endpoint: str, transport: str) -> None:
    """A JSON-RPC error is the standard error "runtime"."""
    parameters = {"name": "no such prompt"}
    source = stdio("prompts/get", parameters) if transport == "stdio" else http(endpoint, "prompts/get", parameters)
    error = fails(source)
    assert (error["type"], error["status"]) == ("runtime", 500)
    assert "prompts/get failed with" in error["detail"]
    assert "no such prompt" in error["detail"]


def test_a_program_that_is_not_there(fails: Callable[..., Any]) -> None:
    """A command that cannot be started is a communication error."""
    error = fails(stdio("tools/list", stdio={"command": "/no/such/program"}))
    assert (error["type"], "cannot be started" in error["detail"]) == ("communication", True)


def test_a_program_that_ends_early(fails: Callable[..., Any]) -> None:
    """A server that ends before it answers is a communication error with its code and its last words."""
    error = fails(stdio("tools/list", stdio={"arguments": ["-c", "import sys; sys.exit('out of luck')"]}))
    assert (error["type"], "ended with code 1" in error["detail"], "out of luck" in error["detail"]) == (
        "communication",
        True,
        True,
    )


def test_a_program_that_closes_its_output(fails: Callable[..., Any]) -> None:
    """A server that closes its output and lives on is a communication error, and is ended."""
    code = "import os, sys; os.close(1); sys.stdin.read(); import time; time.sleep(100)"
    error = fails(stdio("tools/list", stdio={"arguments": ["-c", code]}))
    assert (error["type"], "closed its output" in error["detail"]) == ("communication", True)


def test_a_server_that_never_answers_times_out(fails: Callable[..., Any]) -> None:
    """When `timeout` is over, the process is ended and the call is the standard error "timeout"."""
    source = stdio(
        "tools/list", timeout={"milliseconds": 300}, stdio={"arguments": ["-c", "import sys; sys.stdin.read()"]}
    )
    error = fails(source)
    assert (error["type"], error["status"]) == ("timeout", 408)


def test_headers_version_and_client(run: Callable[..., Any], site: Any, serve: Any) -> None:
    """Every request carries headers, credentials and the agreed version; `initialize` names client and version; the session ends."""
    from starlette.responses import JSONResponse, Response

    def answer(asked: Any) -> Any:
        if asked.method == "DELETE":
            return Response(status_code=405)
        sent = json.loads(asked.body)
        if "id" not in sent:
            return Response(status_code=202)
        result = (
            {"protocolVersion": "2025-03-26", "capabilities": {}, "serverInfo": {}}
            if sent["method"] == "initialize"
            else {"tools": []}
        )
        return JSONResponse({"jsonrpc": "2.0", "id": sent["id"], "result": result}, headers={"mcp-session-id": "s1"})

    site.answers["/mcp"] = answer
    transport = {
        "http": {
            "endpoint": {"uri": serve(site) + "/mcp", "authentication": {"bearer": {"token": "t"}}},
            "headers": {"X-A": "1"},
        }
    }
    arguments = {
        "method": "tools/list",
        "transport": transport,
        "protocolVersion": "2025-03-26",
        "client": {"name": "c", "version": "2"},
    }
    assert run(f"do: [{{a: {{call: mcp, with: {json.dumps(arguments)}}}}}]").output == {"tools": []}
    hello = json.loads(site.asked[0].body)["params"]
    assert (hello["protocolVersion"], hello["clientInfo"]) == ("2025-03-26", {"name": "c", "version": "2"})
    assert [asked.method for asked in site.asked] == ["POST", "POST", "POST", "DELETE"]
    assert all((asked.headers["x-a"], asked.headers["authorization"]) == ("1", "Bearer t") for asked in site.asked)
    assert [asked.headers.get("mcp-protocol-version") for asked in site.asked] == [None, *["2025-03-26"] * 3]
    assert [asked.headers.get("mcp-session-id") for asked in site.asked] == [None, *["s1"] * 3]
