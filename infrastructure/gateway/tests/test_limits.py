"""What is asked and answered about one request."""

import asyncio
import json
import stat
from pathlib import Path

import httpx2
import pytest

from maestro_core_api.gateway import opened_limit_store
from maestro_gateway.limits import Counter, MalformedQuestionError, Question, serving

SPEC = json.dumps({"service": "shop", "limits": [["few", 2, 60_000_000, None, ["subject"]]]})


def question(limits: str = SPEC, path: str = "/shop/x?token=1", **headers: str) -> Question:
    return Question.read(
        path, {"x-maestro-limits": limits, **{f"x-maestro-{name}": value for name, value in headers.items()}}
    )


def key(**headers: str) -> str:
    (take,) = question(**headers).takes
    return take.key


def test_callers_are_told_apart() -> None:
    """By who the token speaks for; where nobody is named by the address, which is never taken for a name."""
    assert key(subject="maestro|ada") != key(subject="maestro|grace")
    assert key(subject="-|-", address="10.0.0.1") == key(subject="", address="10.0.0.1") != key(address="10.0.0.2")
    assert key(subject="10.0.0.1") != key(address="10.0.0.1")
    assert key(subject="maestro|ada").startswith("shop:few:")
    assert "ada" not in key(subject="maestro|ada")
    assert question().instance == "/shop/x"


@pytest.mark.parametrize(
    "limits",
    ["", "{", "{}", '{"service":"a"}', '{"service":"a","limits":[[1]]}', '{"service":"a","limits":[["x",0,1,null,[]]]}',
     '{"service":"a","limits":[["x",1,1000,null,["moon"]]]}', '{"service":"a","limits":[["x",1,1000,null,"subject"]]}'],
)  # fmt: skip
def test_a_question_that_makes_no_sense_is_refused(limits: str) -> None:
    """Nothing is let through because it could not be read."""
    with pytest.raises(MalformedQuestionError):
        question(limits)


async def test_the_socket_answers(tmp_path: Path) -> None:
    """Over its socket, which only its user may open, it lets through what it may, refuses the rest, and answers nonsense with 500."""
    socket = tmp_path / "l.sock"
    async with opened_limit_store(None, namespace="test") as store, serving(Counter(store, store), socket):
        assert stat.S_IMODE(socket.stat().st_mode) == 0o600
        transport = httpx2.AsyncHTTPTransport(uds=str(socket))
        async with httpx2.AsyncClient(transport=transport, base_url="http://limits") as client:
            headers = {"x-maestro-limits": SPEC, "x-maestro-subject": "ada"}
            answers = [await client.get("/take/shop/x", headers=headers) for _ in range(3)]
            assert [answer.status_code for answer in answers] == [200, 200, 429]
            assert answers[0].headers["ratelimit"] == '"few";r=1;t=30'
            assert answers[2].json()["instance"] == "/shop/x"
            assert (await client.post("/take/x", headers=headers, content=b"body")).status_code == 500
        reader, writer = await asyncio.open_unix_connection(socket)
        writer.write(b"nonsense\r\n\r\n")
        assert (await reader.read()).startswith(b"HTTP/1.1 500")
        writer.close()
