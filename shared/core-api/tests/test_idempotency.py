import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import httpx2
import pytest
from fastapi import Depends, Response
from starlette.responses import FileResponse, StreamingResponse
from starlette.testclient import TestClient

from maestro_core_api import (
    APIException,
    ConflictException,
    ForbiddenException,
    IdempotencyConfig,
    IdempotentCall,
    MaestroAPI,
    idempotent,
    idempotent_call,
    public,
    require_idempotency_key,
)
from maestro_core_api.testing import running

Auth = Callable[..., dict[str, str]]
MakeApp = Callable[..., MaestroAPI]
KEY = {"Idempotency-Key": '"8e03978e-40d5-43dd-bc93-6894a57f9324"'}


class Shop:
    """An application whose endpoint counts how often it did its work."""

    def __init__(self, app: MaestroAPI) -> None:
        self.app = app
        self.done = 0
        self.calls: list[IdempotentCall | None] = []
        self.failures: list[Exception] = []

        @app.post("/orders", status_code=201)
        @idempotent
        async def create(
            data: dict[str, Any],
            response: Response,
            call: Annotated[IdempotentCall | None, Depends(idempotent_call)],
        ) -> dict[str, Any]:
            self.calls.append(call)
            self.done += 1
            if self.failures:
                raise self.failures.pop()
            response.headers["Location"] = f"/orders/{self.done}"
            response.set_cookie("session", str(self.done))
            return {"number": self.done, **data}


@pytest.fixture
def shop(app: MaestroAPI) -> Shop:
    """The application with the endpoint."""
    return Shop(app)


def test_the_same_request_gets_the_same_answer(shop: Shop, client: TestClient) -> None:
    """The work is done once; the answer comes again with its status, headers and body, and says that it is a replay."""
    first, second = (client.post("/orders", json={"a": 1}, headers=KEY) for _ in range(2))
    assert (first.status_code, second.status_code, shop.done) == (201, 201, 1)
    assert first.content == second.content
    assert second.headers["location"] == first.headers["location"] == "/orders/1"
    assert second.headers["content-type"] == "application/json"
    assert "idempotency-replayed" not in first.headers
    assert second.headers["idempotency-replayed"] == "true"
    assert second.headers["x-request-id"] != first.headers["x-request-id"]
    assert "set-cookie" in first.headers
    assert "set-cookie" not in second.headers


def test_without_a_key_each_request_counts(shop: Shop, client: TestClient) -> None:
    """A request without a key is answered as ever."""
    for _ in range(2):
        client.post("/orders", json={"a": 1})
    assert shop.done == 2
    assert shop.calls == [None, None]


@pytest.mark.parametrize("change", ["body", "query"])
def test_another_request_with_the_key_is_refused(shop: Shop, client: TestClient, change: str) -> None:
    """A key that was used for something else is a 422, and nothing is done."""
    client.post("/orders", json={"a": 1}, headers=KEY)
    body, query = ({"a": 2}, "") if change == "body" else ({"a": 1}, "?x=1")
    refused = client.post(f"/orders{query}", json=body, headers=KEY)
    assert (refused.status_code, refused.json()["error_code"]) == (422, "IDEMPOTENCY_KEY_REUSED")
    assert refused.json()["rule"] == "idempotency-key-same-request"
    assert shop.done == 1


def test_keys_belong_to_callers(shop: Shop, client: TestClient, auth: Auth) -> None:
    """Two callers with the same key are two: neither sees the other's answer."""
    answers = [
        client.post("/orders", json={"a": 1}, headers={**KEY, **auth("viewer", subject=name)}).json()["number"]
        for name in ("ada", "bob", "ada")
    ]
    assert answers == [1, 2, 1]


def test_keys_belong_to_routes(app: MaestroAPI, shop: Shop, client: TestClient) -> None:
    """The same key on another route is another one."""

    @app.post("/refunds")
    @idempotent
    async def refund(data: dict[str, Any]) -> str:
        return "refunded"

    assert client.post("/orders", json={"a": 1}, headers=KEY).status_code == 201
    assert client.post("/refunds", json={"a": 1}, headers=KEY).json() == "refunded"


def test_only_marked_endpoints_heed_keys(app: MaestroAPI, client: TestClient) -> None:
    """An endpoint that is not marked does its work each time, key or not; so does a GET."""
    done = []

    @app.post("/notes")
    async def note() -> None:
        done.append("note")

    @app.get("/reads")
    @idempotent
    async def read() -> None:
        done.append("read")

    for _ in range(2):
        client.post("/notes", headers=KEY)
        client.get("/reads", headers=KEY)
    assert done == ["note", "read"] * 2


@pytest.mark.parametrize("key", ["", '""', "a b", "ä", '"a', 'a"b', "x" * 256, "a\\b"])
def test_a_key_that_is_none_is_refused(shop: Shop, client: TestClient, key: str) -> None:
    """A key that is empty, too long or not of visible characters is a 400."""
    refused = client.post("/orders", json={}, headers=[(b"idempotency-key", key.encode())])
    assert (refused.status_code, refused.json()["error_code"]) == (400, "IDEMPOTENCY_KEY_INVALID")
    assert shop.done == 0


def test_two_keys_are_refused(shop: Shop, client: TestClient) -> None:
    """Nobody can tell which of two keys counts."""
    refused = client.post("/orders", json={}, headers=[("Idempotency-Key", "a"), ("Idempotency-Key", "b")])
    assert refused.json()["error_code"] == "IDEMPOTENCY_KEY_INVALID"
    assert shop.done == 0


def test_a_key_may_come_without_quotes(shop: Shop, client: TestClient) -> None:
    """The same key with and without the quotes of a structured field is one."""
    client.post("/orders", json={}, headers={"Idempotency-Key": "abc"})
    assert client.post("/orders", json={}, headers={"Idempotency-Key": '"abc"'}).headers["idempotency-replayed"]
    assert shop.done == 1


def test_a_key_can_be_required(app: MaestroAPI, client: TestClient) -> None:
    """An endpoint may refuse requests without a key, and says what to send."""

    @app.post("/payments", dependencies=[Depends(require_idempotency_key)])
    @idempotent
    async def pay() -> str:
        return "paid"

    refused = client.post("/payments")
    assert (refused.status_code, refused.json()["error_code"]) == (400, "IDEMPOTENCY_KEY_REQUIRED")
    assert client.post("/payments", headers=KEY).json() == "paid"


@pytest.mark.parametrize("error", [RuntimeError("boom"), APIException("Failed", status_code=503)])
def test_after_a_failure_the_request_runs_again(shop: Shop, client: TestClient, error: Exception) -> None:
    """A 5xx is not kept: the next try does the work, and is told that it is the second attempt."""
    shop.failures.append(error)
    assert client.post("/orders", json={}, headers=KEY).status_code >= 500
    assert client.post("/orders", json={}, headers=KEY).status_code == 201
    assert client.post("/orders", json={}, headers=KEY).headers["idempotency-replayed"] == "true"
    assert [call.attempt for call in shop.calls if call is not None] == [1, 2]
    assert shop.calls[0] is not None
    assert shop.calls[0].key == "8e03978e-40d5-43dd-bc93-6894a57f9324"


def test_a_refusal_by_the_work_itself_is_kept(shop: Shop, client: TestClient) -> None:
    """A 409 of the endpoint's own is an answer like any other."""
    shop.failures.append(ConflictException())
    answers = [client.post("/orders", json={}, headers=KEY).status_code for _ in range(2)]
    assert (answers, shop.done) == ([409, 409], 1)


def test_a_denial_is_not_kept(shop: Shop, client: TestClient) -> None:
    """A caller that was not allowed to, and then is, is not answered with the old denial."""
    shop.failures.append(ForbiddenException())
    answers = [client.post("/orders", json={}, headers=KEY).status_code for _ in range(2)]
    assert (answers, shop.done) == ([403, 201], 2)


@pytest.mark.parametrize("error", [RuntimeError("boom"), APIException("Failed", status_code=503)])
def test_a_service_may_refuse_what_failed(make_app: MakeApp, auth: Auth, error: Exception) -> None:
    """With after_failure "refuse", the work is not done twice: an answer is kept whatever it is, and a crash leaves a 409."""
    shop = Shop(make_app(idempotency=IdempotencyConfig(after_failure="refuse")))
    client = TestClient(shop.app, raise_server_exceptions=False, headers=auth("viewer"))
    shop.failures.append(error)
    first, second = (client.post("/orders", json={}, headers=KEY) for _ in range(2))
    assert shop.done == 1
    if isinstance(error, APIException):
        assert (first.status_code, second.status_code) == (503, 503)
    else:
        assert (first.status_code, second.status_code) == (500, 409)
        assert second.json()["error_code"] == "IDEMPOTENCY_OUTCOME_UNKNOWN"


def test_an_answer_that_is_too_large_is_not_given_twice(make_app: MakeApp, auth: Auth) -> None:
    """Beyond the limit the answer goes out whole, and the next try is told that it was answered."""
    app = make_app(idempotency=IdempotencyConfig(max_answer_bytes=1_000))
    done = []

    @app.post("/exports")
    @idempotent
    async def export() -> str:
        done.append(1)
        return "x" * 2_000

    client = TestClient(app, headers=auth("viewer"))
    assert len(client.post("/exports", headers=KEY).json()) == 2_000
    refused = client.post("/exports", headers=KEY)
    assert (refused.status_code, refused.json()["error_code"]) == (409, "IDEMPOTENCY_ANSWER_NOT_KEPT")
    assert len(done) == 1


@pytest.mark.parametrize("media_type", ["text/event-stream", "application/octet-stream"])
def test_streams_come_through(app: MaestroAPI, client: TestClient, media_type: str) -> None:
    """An answer in pieces arrives whole; an event stream is not held back, and so not kept."""

    @app.post("/streams")
    @idempotent
    async def stream() -> StreamingResponse:
        async def pieces() -> Any:
            for piece in (b"a", b"b", b"c"):
                yield piece

        return StreamingResponse(pieces(), media_type=media_type)

    assert client.post("/streams", headers=KEY).content == b"abc"
    again = client.post("/streams", headers=KEY)
    assert again.status_code == (409 if media_type == "text/event-stream" else 200)


async def test_files_come_through(make_app: MakeApp, auth: Auth, http: httpx2.AsyncClient, tmp_path: Path) -> None:
    """A file, which the server sends by itself, arrives whole and is not kept."""
    file = tmp_path / "export.csv"
    file.write_bytes(b"a,b\n" * 1_000)
    app = make_app()

    @app.post("/exports")
    @idempotent
    async def export() -> FileResponse:
        return FileResponse(file)

    headers = {**KEY, **auth("viewer")}
    async with running(app) as url:
        assert (await http.post(f"{url}/exports", headers=headers)).content == b"a,b\n" * 1_000
        again = await http.post(f"{url}/exports", headers=headers)
        assert again.json()["error_code"] == "IDEMPOTENCY_ANSWER_NOT_KEPT"


def test_a_body_beyond_the_limit_is_still_a_413(make_app: MakeApp, auth: Auth) -> None:
    """The limit for bodies holds for requests with a key, announced or not, and the key stays free."""
    shop = Shop(make_app(max_body_bytes=50))
    client = TestClient(shop.app, headers=auth("viewer"))
    headers = {**KEY, "content-type": "application/json"}
    for content in (b'{"a": "' + b"x" * 200 + b'"}', iter([b'{"a": "' + b"x" * 200 + b'"}'])):
        assert client.post("/orders", content=content, headers=headers).json()["error_code"] == "CONTENT_TOO_LARGE"
    assert client.post("/orders", json={}, headers=KEY).status_code == 201


def test_anonymous_callers_are_told_apart_by_address(app: MaestroAPI) -> None:
    """On a public endpoint another address does not get somebody's answer."""
    done = []

    @app.post("/signups")
    @public
    @idempotent
    async def sign_up() -> int:
        done.append(1)
        return len(done)

    one, two = TestClient(app, client=("10.0.0.1", 1)), TestClient(app, client=("10.0.0.2", 1))
    assert [client.post("/signups", headers=KEY).json() for client in (one, two, one)] == [1, 2, 1]


@pytest.mark.parametrize("shared", [False, True])
async def test_of_many_at_once_one_does_the_work(
    make_app: MakeApp, auth: Auth, http: httpx2.AsyncClient, request: pytest.FixtureRequest, shared: bool
) -> None:
    """Requests that come while the first is being answered are told to come back; then they get its answer, from any instance."""
    options = {"valkey_url": request.getfixturevalue("valkey_url")} if shared else {}
    begun, go_on, done = asyncio.Event(), asyncio.Event(), []
    apps = [make_app(**options) for _ in range(2 if shared else 1)]
    for app in apps:

        @app.post("/orders")
        @idempotent
        async def create() -> str:
            done.append(1)
            begun.set()
            await go_on.wait()
            return "created"

    headers = {**KEY, **auth("viewer")}
    async with running(apps[0]) as url, running(apps[-1]) if shared else running(make_app()) as other:
        there = other if shared else url
        first = asyncio.create_task(http.post(f"{url}/orders", headers=headers))
        await begun.wait()
        waiting = await http.post(f"{there}/orders", headers=headers)
        assert (waiting.status_code, waiting.json()["error_code"]) == (409, "IDEMPOTENCY_IN_PROGRESS")
        assert waiting.headers["retry-after"] == "1"
        go_on.set()
        assert (await first).json() == "created"
        again = await http.post(f"{there}/orders", headers=headers)
        assert (again.json(), again.headers["idempotency-replayed"]) == ("created", "true")
    assert len(done) == 1


async def test_a_long_request_keeps_its_lease(make_app: MakeApp, auth: Auth, valkey_url: str, http: Any) -> None:
    """A request that takes longer than the lease is still being answered: its process gives signs of life."""
    app = make_app(valkey_url=valkey_url, idempotency=IdempotencyConfig(lease=timedelta(seconds=1)))
    begun, go_on = asyncio.Event(), asyncio.Event()

    @app.post("/orders")
    @idempotent
    async def create() -> str:
        begun.set()
        await go_on.wait()
        return "created"

    headers = {**KEY, **auth("viewer")}
    async with running(app) as url:
        first = asyncio.create_task(http.post(f"{url}/orders", headers=headers))
        await begun.wait()
        await asyncio.sleep(1.5)
        assert (await http.post(f"{url}/orders", headers=headers)).json()["error_code"] == "IDEMPOTENCY_IN_PROGRESS"
        go_on.set()
        assert (await first).json() == "created"


@pytest.mark.parametrize(("when", "status"), [("deny", 503), ("allow", 201)])
def test_what_happens_without_valkey_is_a_choice(make_app: MakeApp, auth: Auth, when: str, status: int) -> None:
    """While Valkey is away, requests with a key are refused, or run unprotected where a service says so; others run."""
    config = IdempotencyConfig.model_validate({"when_unavailable": when})
    shop = Shop(make_app(valkey_url="valkey://127.0.0.1:1", idempotency=config))
    with TestClient(shop.app, headers=auth("viewer")) as client:
        answer = client.post("/orders", json={}, headers=KEY)
        assert answer.status_code == status
        if when == "deny":
            assert answer.json()["error_code"] == "IDEMPOTENCY_UNAVAILABLE"
        assert client.post("/orders", json={}).status_code == 201
