from collections.abc import Callable, Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from maestro.bootstrap import create_app
from maestro.config import OrchestratorConfig
from maestro_core_api import issue_token

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
SHORT = "application/json"
USUAL = "application/json; charset=utf-8"  # the same thing to FastAPI, and not what the short way takes
DEEP = b'{"workflow": "python/add", "input": ' + b"[" * 30_000 + b"]" * 30_000 + b"}"
STARTABLE = b'{"workflow": "office/approval", "id": "run~1", "input": null}'

Answer = tuple[int, str | None, Any]
Start = Callable[..., Answer]


@pytest.fixture
def start(config: OrchestratorConfig) -> Iterator[Start]:
    """Post a start; gives status, location and document."""
    assert config.jwt_secret is not None
    secret = config.jwt_secret

    with TestClient(create_app(config), raise_server_exceptions=False) as client:

        def post(body: bytes, content_type: str, role: str = "operator") -> Answer:
            token = issue_token(secret, subject="tests", roles=[role])
            headers = {"Authorization": f"Bearer {token}", "traceparent": TRACE, "Content-Type": content_type}
            answer = client.post("/runs", content=body, headers=headers)
            return answer.status_code, answer.headers.get("location"), answer.json()

        yield post


@pytest.mark.parametrize(
    "body",
    [
        b'{"workflow": "python/failing:1.0.0", "id": "r 1"}',
        b'{"workflow": "python/gone"}',
        b'{"workflow": "python/add", "input": {"a": "two"}}',
        b'{"workflow": "python/add", "inptu": 1}',
        b'{"workflow": 7, "id": 8}',
        b'{"workflow": ""}',
        b'"text"',
        b"[]",
        b"null",
        b"{no json",
        b'{"workflow": "\xff"}',
        b"",
        DEEP,
        b'{"workflow": "python/add", "input": "' + b"x" * 70_000 + b'"}',
    ],
)
def test_a_refusal_says_the_same_on_both_ways(start: Start, body: bytes) -> None:
    """A start that is refused gets the answer that FastAPI's own way gives, to the letter."""
    refusal = start(body, SHORT)
    assert refusal == start(body, USUAL)
    assert 400 <= refusal[0] < 500


@pytest.mark.parametrize(("role", "rule"), [("viewer", "role:operator"), ("nobody", "role:viewer")])
@pytest.mark.parametrize("body", [STARTABLE, b"{no json"])
def test_who_may_not_start_is_told_the_same_on_both_ways(start: Start, role: str, rule: str, body: bytes) -> None:
    """A viewer, and a caller without any role, get on both ways the same refusal, and nothing starts."""
    refusal = start(body, SHORT, role)
    assert refusal == start(body, USUAL, role)
    assert refusal[0] >= 400
    if body == STARTABLE:
        assert (refusal[0], refusal[2]["rule"]) == (403, rule)


def test_a_start_answers_the_same_on_both_ways(start: Start) -> None:
    """Status, place and document of the run are the same; a body that is not said to be JSON is refused as ever."""
    first = start(STARTABLE, SHORT)
    assert first == start(STARTABLE, USUAL)
    assert (first[0], first[1], first[2]["id"], first[2]["status"]) == (202, "/runs/run~1", "run~1", "running")
    assert start(STARTABLE, "text/plain")[0] == 422


def test_a_plain_start_takes_the_short_way(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """A start that is well-formed and allowed does without FastAPI's solving of dependencies."""

    async def unreachable(**options: object) -> None:
        raise AssertionError

    monkeypatch.setattr("fastapi.routing.solve_dependencies", unreachable)
    assert start(STARTABLE, SHORT)[0] == 202
    assert start(STARTABLE, USUAL)[0] == 500
