import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from maestro_workflow_engine.dsl import (
    DocumentError,
    EnvironmentSecrets,
    HttpRequest,
    HttpResponse,
    Steps,
    load_document,
)

SECRET = "open-sesame-42"


class Echo:
    """Answers with what it was asked, secrets included, as careless servers do."""

    def __init__(self, status: int = 200) -> None:
        self.requests: list[HttpRequest] = []
        self._status = status

    async def call(self, request: HttpRequest) -> HttpResponse:
        self.requests.append(request)
        told = {"url": request.url, "headers": dict(request.headers), "body": request.content.decode()}
        return HttpResponse(self._status, {"content-type": "application/json"}, json.dumps(told).encode(), "Told")


def source(arguments: str, rest: str = "") -> str:
    return f"use: {{secrets: [key, login]}}\ndo: [{{a: {{call: http, with: {{{arguments}}}{rest}}}}}]"


@pytest.mark.parametrize(
    "arguments",
    [
        "method: get, endpoint: 'http://x', headers: {X-Key: '${ $secrets.key }'}",
        "method: get, endpoint: '${ \"http://x/\" + $secrets.key }'",
        "method: get, endpoint: 'http://x', query: {key: '${ $secrets[\"key\"] }'}",
        "method: post, endpoint: 'http://x', body: {deep: [{key: '${ \"<\" + $secrets.key + \">\" }'}]}",
        "method: get, endpoint: {uri: 'http://x', authentication: {bearer: {token: '${ $secrets.key }'}}}",
        "method: get, endpoint: {uri: 'http://x', authentication: {bearer: {token: '${ $secrets | .key }'}}}",
        "method: post, endpoint: {uri: 'http://x', authentication: {bearer: {token: '${ $secrets.key }'}}}, "
        "body: {mine: '${ $authorization.parameter }'}",
    ],
)
@pytest.mark.parametrize("status", [200, 500])
def test_a_secret_goes_out_and_stays_out_of_history(run: Callable[..., Any], arguments: str, status: int) -> None:
    """An expression over `$secrets` has its value in the step only: not in history, output or error, even when echoed."""
    echo = Echo(status)
    ran = run(source(arguments), secrets={"key": SECRET, "login": {}}, http=echo)
    [request] = echo.requests
    assert SECRET in request.url + json.dumps(dict(request.headers)) + request.content.decode()
    assert SECRET not in ran.history
    assert SECRET not in json.dumps(ran.output)
    assert (ran.error is None) is (status == 200)
    assert SECRET not in str(ran.error)


def test_input_from_may_use_secrets(run: Callable[..., Any]) -> None:
    """Secrets that `input.from` puts into the input reach the request, and what is made of the input stays in the step."""
    echo = Echo()
    text = source(
        "method: post, endpoint: 'http://x/{id}', headers: {X-Key: '${ .key }'}, body: '${ {id: .id, all: $input.key} }'",
        ", input: {from: '{key: $secrets.key, id: .id}'}",
    )
    ran = run(text, {"id": 7}, secrets={"key": SECRET, "login": {}}, http=echo)
    [request] = echo.requests
    assert (request.url, request.headers["X-Key"]) == ("http://x/7", SECRET)
    assert json.loads(request.content) == {"id": 7, "all": SECRET}
    assert SECRET not in ran.history


def test_other_data_is_kept_as_it_is(run: Callable[..., Any]) -> None:
    """Secrets in one argument leave the others evaluated, so that history shows what was asked."""
    ran = run(
        source("method: post, endpoint: 'http://x', headers: {K: '${ $secrets.key }'}, body: {n: '${ .n + 1 }'}"),
        {"n": 1},
        secrets={"key": SECRET, "login": {}},
        http=Echo(),
    )
    assert '"n": 2' in ran.history


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("do: [{a: {set: {x: '${ $secrets.key }'}}}]", "/do/0/a/set/x"),
        ("do: [{a: {if: '${ $secrets.key == 1 }', wait: PT1S}}]", "/do/0/a/if"),
        ("do: [{a: {input: {from: $secrets.key}, wait: PT1S}}]", "/do/0/a/input/from"),
        ("input: {from: $secrets.key}\ndo: []", "/input/from"),
        ("do: [{a: {call: step, with: {x: '${ $secrets.key }'}}}]", "/do/0/a/with/x"),
        (
            "do: [{a: {call: http, with: {method: get, endpoint: 'http://x'}, output: {as: $secrets.key}}}]",
            "/do/0/a/output/as",
        ),
    ],
)
def test_secrets_are_refused_where_they_would_be_kept(text: str, path: str) -> None:
    """Everywhere else `$secrets` is a fault of the document, with the place and the reason."""
    head = "document: {dsl: '1.0.3', namespace: t, name: t, version: '1.0.0'}\nuse: {secrets: [key]}\n"
    with pytest.raises(DocumentError) as caught:
        load_document(head + text)
    [fault] = caught.value.faults
    assert fault.path == path
    assert "inside whose step they stay" in fault.message


def test_an_undeclared_secret_is_a_fault(load: Callable[..., Any]) -> None:
    """A secret that is not under `use.secrets` is told when the document is loaded, with the nearest name."""
    with pytest.raises(DocumentError, match=r"/do/0/a/with/headers/K.*no secret named 'keys'.*did you mean 'key'"):
        load(source("method: get, endpoint: 'http://x', headers: {K: '${ $secrets.keys }'}"))


def test_a_missing_secret_is_an_authorization_error(fails: Callable[..., Any]) -> None:
    """A secret that is not there is the standard error "authorization" with status 403, and nothing is sent."""
    echo = Echo()
    error = fails(source("method: get, endpoint: 'http://x', headers: {K: '${ $secrets.key }'}"), http=echo)
    assert (error["type"], error["status"], error["instance"]) == ("authorization", 403, "/do/0/a")
    assert error["detail"] == "there is no secret named 'key'"
    assert echo.requests == []


def test_a_secret_that_may_not_be_read_is_an_authorization_error(load: Callable[..., Any]) -> None:
    """What a provider refuses with PermissionError is the standard error "authorization" too."""

    class Refusing:
        async def secret(self, name: str) -> Any:
            raise PermissionError("not for you")

    from datetime import UTC, datetime

    from maestro_workflow_engine.dsl import TaskError
    from maestro_workflow_engine.dsl._interpreter import interpret

    class Host:
        run_id = "r"

        def now(self) -> datetime:
            return datetime.now(UTC)

    document = load(source("method: get, endpoint: {uri: 'http://x', authentication: {basic: {use: login}}}"))
    with pytest.raises(TaskError) as caught:
        asyncio.run(interpret(document, None, Steps(http=Echo(), secrets=Refusing()), Host()))
    assert caught.value.error.status == 403
    assert caught.value.error.detail == "the secret 'login' may not be read: not for you"


@pytest.mark.parametrize(
    "arguments",
    [
        "method: get, endpoint: 'http://x', headers: {K: '${ $secrets.key | tonumber | tostring }'}",
        "method: get, endpoint: 'http://x', query: {k: '${ {a: $secrets.key} }'}",
        "method: get, endpoint: '${ [$secrets.key] }'",
        "method: get, endpoint: 'http://x', headers: {K: '${ $secrets.key + \"\\u20ac\\n\" }'}",
    ],
)
def test_a_failing_expression_tells_nothing_of_a_secret(fails: Callable[..., Any], arguments: str) -> None:
    """What goes wrong with a secret is told without any part of it, and stays an error that `try` can catch."""
    error = fails(source(arguments), secrets={"key": SECRET, "login": {}})
    assert error["type"] in {"expression", "communication", "runtime"}
    assert SECRET[:5] not in json.dumps(error)


def test_only_secrets_that_are_named_are_read(run: Callable[..., Any]) -> None:
    """A declared secret that no expression names need not exist."""
    ran = run(
        source("method: get, endpoint: 'http://x', headers: {K: '${ $secrets.key }'}"),
        secrets={"key": SECRET},
        http=Echo(),
    )
    assert ran.error is None


def test_authorization_after_the_call_is_masked(run: Callable[..., Any]) -> None:
    """`$authorization` in `output.as` tells the scheme; a parameter that came of a secret is masked."""
    policy = "endpoint: {uri: 'http://x', authentication: {basic: {use: login}}}"
    login = {"username": "me", "password": SECRET}
    ran = run(source(f"method: get, {policy}", ", output: {as: $authorization}"), secrets={"login": login}, http=Echo())
    assert ran.output == {"scheme": "Basic", "parameter": "**********"}


async def test_the_environment_gives_secrets_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a provider, secrets are MAESTRO_SECRET_… variables and mounted files."""
    monkeypatch.setenv("MAESTRO_SECRET_MY_LOGIN", '{"username": "u"}')
    assert await EnvironmentSecrets().secret("myLogin") == {"username": "u"}
    assert await EnvironmentSecrets().secret("other") is None
    monkeypatch.setenv("MAESTRO_SECRET_OTHER_FILE", "/nowhere/at/all")
    with pytest.raises(PermissionError, match="cannot be read"):
        await EnvironmentSecrets().secret("other")
