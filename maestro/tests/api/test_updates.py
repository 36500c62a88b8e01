import asyncio
from typing import Any

import pytest

from maestro_core_api import APIClient, RemoteAPIException

pytestmark = pytest.mark.runners("journal", "temporal")


@pytest.fixture
async def basket(client: APIClient) -> APIClient:
    """A client of an orchestrator in which the run `b` is a basket."""
    await client.post("/runs", json={"workflow": "python/basket", "id": "b"})
    return client


async def _refused(client: APIClient, method: str, url: str, **options: Any) -> RemoteAPIException:
    with pytest.raises(RemoteAPIException) as caught:
        await client.request(method, url, **options)
    return caught.value


async def test_an_update_is_answered(basket: APIClient) -> None:
    """The answer of the workflow's handler comes back, and can be looked up by the update's id."""
    answer = await basket.post("/runs/b/updates/add?id=click-1", json="book")
    expected = {"run_id": "b", "name": "add", "id": "click-1", "answered": True, "answer": 1}
    assert (answer.status_code, answer.json()) == (200, expected)
    shown = await basket.get("/runs/b/updates/add?id=click-1")
    assert (shown.status_code, shown.json()) == (200, expected)


async def test_the_same_id_is_the_same_request(basket: APIClient) -> None:
    """Asking again with an id gives the first answer and does nothing; without an id each request is a new one."""
    for _ in range(2):
        assert (await basket.post("/runs/b/updates/add?id=click-1", json="book")).json()["answer"] == 1
    assert (await basket.post("/runs/b/updates/add", json="pen")).json()["answer"] == 2


async def test_an_answer_that_takes_its_time_is_looked_up_later(basket: APIClient) -> None:
    """A request that is not answered in time is 202 with the place of its answer, which is 202 until there is one."""
    asked = await basket.post("/runs/b/updates/ponder?id=why/1&timeout_s=0.2", json="why?")
    assert (asked.status_code, asked.json()["answered"], asked.json()["answer"]) == (202, False, None)
    place = asked.headers["location"]
    assert place == "/runs/b/updates/ponder?id=why%2F1"
    assert (await basket.get(place)).status_code == 202
    await basket.post("/runs/b/signals/thought", json="because")
    async with asyncio.timeout(20):
        while (shown := await basket.get(place)).status_code == 202:
            await asyncio.sleep(0.01)
    assert shown.json()["answer"] == "why? because"
    again = await basket.post("/runs/b/updates/ponder?id=why/1", json="why?")
    assert (again.status_code, again.json()["answer"]) == (200, "why? because")


@pytest.mark.parametrize(
    ("name", "payload", "status", "code", "says"),
    [
        ("remove", "book", 409, "UPDATE_REJECTED", "it handles add, deceive, ponder"),
        ("add", {"not": "text"}, 409, "UPDATE_REJECTED", "the payload"),
        ("add", "unicorn", 422, "UPDATE_FAILED", "LookupError: we have no unicorns"),
        ("deceive", None, 422, "UPDATE_FAILED", "JournalWriteError"),
    ],
)
async def test_a_refusal_says_why(
    basket: APIClient, name: str, payload: Any, status: int, code: str, says: str
) -> None:
    """No handler, a payload that does not fit, and whatever validator and handler raise are told apart, also later on."""
    first = await _refused(basket, "POST", f"/runs/b/updates/{name}?id=u", json=payload)
    later = await _refused(basket, "GET", f"/runs/b/updates/{name}?id=u")
    for error in (first, later):
        assert (error.status_code, error.error_code) == (status, code)
        assert says in str(error)
    if code == "UPDATE_FAILED":
        assert (first.problem or {})["error"]["type"] in ("LookupError", "JournalWriteError")


async def test_an_update_needs_a_run_that_is_open(basket: APIClient) -> None:
    """An unknown run and an unknown update are not found; a run that has ended answers what it was asked before only."""
    assert (await _refused(basket, "POST", "/runs/gone/updates/add", json="pen")).error_code == "RUN_NOT_FOUND"
    assert (await _refused(basket, "GET", "/runs/gone/updates/add?id=u")).error_code == "RUN_NOT_FOUND"
    await basket.post("/runs/b/updates/add?id=u", json="book")
    assert (await _refused(basket, "GET", "/runs/b/updates/add?id=v")).error_code == "UPDATE_NOT_FOUND"
    assert (await _refused(basket, "GET", "/runs/b/updates/ponder?id=u")).error_code == "UPDATE_NOT_FOUND"
    await basket.post("/runs/b/terminate")
    assert (await _refused(basket, "POST", "/runs/b/updates/add?id=w", json="pen")).error_code == "WORKFLOW_ENDED"
    assert (await basket.post("/runs/b/updates/add?id=u", json="book")).json()["answer"] == 1


async def test_a_run_that_ends_rejects_what_it_has_not_answered(basket: APIClient) -> None:
    """A request under way when the run ends is rejected, with the reason."""
    asking = asyncio.create_task(basket.post("/runs/b/updates/ponder?id=u", json="why?"))
    async with asyncio.timeout(20):
        while "update_requested" not in [e["type"] for e in (await basket.get("/runs/b/history")).json()["events"]]:
            await asyncio.sleep(0.01)
    await basket.post("/runs/b/signals/pay")
    with pytest.raises(RemoteAPIException) as caught:
        await asking
    assert (caught.value.status_code, caught.value.error_code) == (409, "UPDATE_REJECTED")
    assert "ended before it was answered" in str(caught.value)


@pytest.mark.runners("journal")
@pytest.mark.parametrize(
    ("query", "path"), [("timeout_s=0", "query.timeout_s"), ("timeout_s=nan", "query.timeout_s"), ("id=", "query.id")]
)
async def test_an_update_that_cannot_be_asked_for_is_refused(basket: APIClient, query: str, path: str) -> None:
    """A time that is none and an empty id are refused by name, and nothing was asked for."""
    error = await _refused(basket, "POST", f"/runs/b/updates/add?{query}", json="pen")
    assert (error.status_code, error.errors[0]["path"]) == (422, path)
    error = await _refused(basket, "POST", "/runs/b/updates/add", content=b"{", headers={"content-type": "text/plain"})
    assert (error.status_code, error.errors[0]["path"]) == (422, "body")
    assert (await basket.post("/runs/b/updates/add", json="book")).json()["answer"] == 1
