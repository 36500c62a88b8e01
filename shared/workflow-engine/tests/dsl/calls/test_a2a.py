import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from starlette.responses import PlainTextResponse, Response

from maestro_workflow_engine.dsl import DocumentError


def agent(site: Any, *results: Any, path: str = "/agent") -> None:
    """Let a site be an agent that answers every method with these results."""

    def answer(asked: Any) -> Any:
        sent = json.loads(asked.body)
        answers = [{"jsonrpc": "2.0", "id": sent["id"], **result} for result in results]
        if sent["method"] in {"message/stream", "tasks/resubscribe"}:
            events = "".join(f": note\r\ndata: {json.dumps(each)}\r\n\r\n" for each in answers)
            return Response(events, media_type="text/event-stream")
        return answers[0]

    site.answers[path] = answer


def call(method: str, **fields: Any) -> str:
    return f"use: {{secrets: [agent]}}\ndo: [{{a: {{call: a2a, with: {json.dumps({'method': method, **fields})}}}}}]"


def test_a_message_is_sent_to_the_agent_of_a_card(run: Callable[..., Any], site: Any, serve: Any) -> None:
    """The card names the agent's address; message id and role have defaults; the result is the output."""
    url = serve(site)
    site.answers["/.well-known/agent-card.json"] = {"name": "a", "url": f"{url}/agent", "preferredTransport": "JSONRPC"}
    agent(site, {"result": {"kind": "task", "id": "t1"}})
    source = call(
        "message/send",
        agentCard={"endpoint": f"{url}/.well-known/agent-card.json"},
        parameters={"message": {"parts": [{"kind": "text", "text": "${ .text }"}]}},
    )
    assert run(source, {"text": "hello"}).output == {"kind": "task", "id": "t1"}
    sent = json.loads(site.asked[1].body)
    message = sent["params"]["message"]
    assert (sent["jsonrpc"], sent["method"], message["role"]) == ("2.0", "message/send", "user")
    assert message["parts"] == [{"kind": "text", "text": "hello"}]
    assert UUID(message["messageId"])


def test_given_ids_and_roles_stay(run: Callable[..., Any], site: Any, serve: Any) -> None:
    """What the document says about the message comes over the defaults; parameters may be one expression."""
    url = serve(site)
    agent(site, {"result": 1})
    run(call("message/send", server=f"{url}/agent", parameters='${ {message: {messageId: "m", role: "agent"}} }'))
    message = json.loads(site.asked[0].body)["params"]["message"]
    assert (message["messageId"], message["role"]) == ("m", "agent")


@pytest.mark.parametrize("method", ["message/stream", "tasks/resubscribe"])
def test_streams_become_lists(run: Callable[..., Any], site: Any, serve: Any, method: str) -> None:
    """The output of a streaming method is the list of all results, in order."""
    url = serve(site)
    agent(site, {"result": {"n": 1}}, {"result": {"n": 2}}, {"result": {"n": 3}})
    ran = run(call(method, server={"uri": f"{url}/agent"}, parameters={"id": "t"}))
    assert ran.output == [{"n": 1}, {"n": 2}, {"n": 3}]


def test_a_card_comes_before_a_server_and_may_name_its_address_elsewhere(
    run: Callable[..., Any], site: Any, serve: Any
) -> None:
    """`server` is ignored beside a card; a card whose first address speaks no JSON-RPC has another one among its interfaces."""
    url = serve(site)
    site.answers["/card"] = {
        "url": f"{url}/grpc",
        "preferredTransport": "GRPC",
        "additionalInterfaces": [
            {"url": f"{url}/rest", "transport": "HTTP+JSON"},
            {"url": "/agent", "transport": "JSONRPC"},
        ],
    }
    agent(site, {"result": "ok"})
    source = call(
        "tasks/get", agentCard={"endpoint": f"{url}/card"}, server="http://127.0.0.1:1/", parameters={"id": "t"}
    )
    assert run(source).output == "ok"


def test_agents_authenticate(run: Callable[..., Any], site: Any, serve: Any) -> None:
    """The card's endpoint's policy is shown to the agent too."""
    url = serve(site)
    site.answers["/card"] = {"url": f"{url}/agent"}
    agent(site, {"result": "ok"})
    card = {"endpoint": {"uri": f"{url}/card", "authentication": {"bearer": {"use": "agent"}}}}
    ran = run(call("agent/getAuthenticatedExtendedCard", agentCard=card), secrets={"agent": "agent-token"})
    assert [asked.headers["authorization"] for asked in site.asked] == ["Bearer agent-token"] * 2
    assert "agent-token" not in ran.history


@pytest.mark.parametrize("method", ["tasks/get", "message/stream"])
def test_an_error_answer_is_a_runtime_error(fails: Callable[..., Any], site: Any, serve: Any, method: str) -> None:
    """A JSON-RPC error is the standard error "runtime", with code, message and data."""
    url = serve(site)
    agent(site, {"error": {"code": -32001, "message": "Task not found", "data": {"id": "t"}}})
    error = fails(call(method, server=f"{url}/agent", parameters={"id": "t"}))
    assert (error["type"], error["detail"]) == (
        "runtime",
        f'{method} failed with -32001: Task not found ({{"id": "t"}})',
    )


@pytest.mark.parametrize(
    ("answer", "status"),
    [(PlainTextResponse("busy", 503), 503), (PlainTextResponse("hello"), 500), (PlainTextResponse(""), 500)],
)
def test_no_answer_is_a_communication_error(
    fails: Callable[..., Any], site: Any, serve: Any, answer: Any, status: int
) -> None:
    """A failing status, and an answer that is no JSON-RPC, are the standard error "communication"."""
    site.answers["/agent"] = answer
    error = fails(call("tasks/get", server=f"{serve(site)}/agent"))
    assert (error["type"], error["status"]) == ("communication", status)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"method": "tasks/get"}, "give 'agentCard' or 'server'"),
        ({"method": "tasks/got", "server": "http://x"}, "did you mean 'tasks/get'"),
        ({"method": "tasks/get", "server": "http://x", "parameters": {}}, "is empty"),
        ({"method": "tasks/get", "server": "http://x", "parameters": "text"}, "or an expression"),
    ],
)
def test_faults(load: Callable[..., Any], fields: dict[str, Any], message: str) -> None:
    """What is wrong with the arguments is told when the document is loaded."""
    with pytest.raises(DocumentError, match=message):
        load(f"do: [{{a: {{call: a2a, with: {json.dumps(fields)}}}}}]")
