from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from maestro_core_api import APIClient, RemoteAPIException

pytestmark = pytest.mark.runners("journal", "temporal")

Listed = Callable[..., Awaitable[list[str]]]
ORDERS: dict[str, dict[str, Any]] = {
    "o-1": {"customer": "acme", "amount": 100, "tags": ["new", "eu-west"]},
    "o-2": {"customer": "acme", "amount": 250.5, "urgent": True},
    "o-3": {"customer": "7", "amount": 1_000, "due": {"time": "2026-05-04T13:02:00Z"}},
    "p-4": {},
}


@pytest.fixture
async def orders(client: APIClient, listed: Listed) -> APIClient:
    """A client of an orchestrator with four open runs."""
    for run_id, attributes in ORDERS.items():
        options = {"attributes": attributes}
        await client.post("/runs", json={"workflow": "office/approval", "id": run_id, "options": options})
    await listed(*ORDERS)
    return client


async def _ids(client: APIClient, query: str) -> list[str]:
    return [run["id"] for run in (await client.get(f"/runs?{query}")).json()["runs"]]


async def _refused(client: APIClient, method: str, url: str, **options: Any) -> RemoteAPIException:
    with pytest.raises(RemoteAPIException) as caught:
        await client.request(method, url, **options)
    return caught.value


async def test_attributes_are_shown_as_they_were_given(orders: APIClient) -> None:
    """A run shows its search attributes in listings and in full, each of its own type."""
    for run in (await orders.get("/runs")).json()["runs"]:
        assert run["attributes"] == ORDERS[run["id"]]
        assert (await orders.get(f"/runs/{run['id']}")).json()["attributes"] == ORDERS[run["id"]]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("attribute=customer:acme", ["o-2", "o-1"]),
        ("attribute=customer:7", ["o-3"]),
        ("attribute=customer:acme&attribute=customer:7", ["o-3", "o-2", "o-1"]),
        ("attribute=amount:100", ["o-1"]),
        ('attribute=amount:"100"', []),
        ("attribute=urgent:true", ["o-2"]),
        ("attribute=due:2026-05-04T13:02:00Z", ["o-3"]),
        ("status=running&status=failed&id_prefix=p", ["p-4"]),
        ("status=completed&status=failed", []),
        ("workflow=office/approval:2.1.0&id_prefix=p", ["p-4"]),
        ("workflow=office/approval:9.9.9", []),
        ("created_after=2026-01-01T00:00:00Z&id_prefix=p", ["p-4"]),
        ("created_before=2020-01-01T00:00:00Z", []),
        ("finished_after=2020-01-01T00:00:00Z", []),
    ],
)
async def test_runs_are_found_by_what_is_known_of_them(orders: APIClient, query: str, found: Sequence[str]) -> None:
    """Every criterion narrows the listing, and counting counts the same runs."""
    assert await _ids(orders, query) == found
    assert (await orders.get(f"/runs/count?{query}")).json() == {"count": len(found)}


@pytest.mark.runners("journal")
@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("attribute=customer:acme&attribute=amount:200..", ["o-2"]),
        ("attribute=amount:100..250.5", ["o-2", "o-1"]),
        ("attribute=tags:eu-*", ["o-1"]),
        ("attribute=due:2026-05-01..2026-06-01", ["o-3"]),
        ("id_prefix=o-&order=oldest", ["o-1", "o-2", "o-3"]),
        ("status=paused", []),
        ("status=queued", []),
    ],
)
async def test_a_journal_finds_by_more(orders: APIClient, query: str, found: Sequence[str]) -> None:
    """Ranges, beginnings, the other order and the statuses that no cluster knows."""
    assert await _ids(orders, query) == found
    assert (await orders.get(f"/runs/count?{query.removesuffix('&order=oldest')}")).json() == {"count": len(found)}


async def test_pages_follow_one_another(orders: APIClient) -> None:
    """Each page leads to the next, the last to none; with another filter its cursor is refused."""
    first = (await orders.get("/runs?limit=3&status=running")).json()
    second = (await orders.get(f"/runs?limit=3&status=running&cursor={first['next_cursor']}")).json()
    assert [run["id"] for run in first["runs"] + second["runs"]] == ["p-4", "o-3", "o-2", "o-1"]
    assert second["next_cursor"] is None
    error = await _refused(orders, "GET", f"/runs?status=completed&cursor={first['next_cursor']}")
    assert (error.status_code, error.errors[0]["path"]) == (422, "query.cursor")


@pytest.mark.runners("journal")
async def test_a_cursor_belongs_to_its_listing(orders: APIClient) -> None:
    """Pages follow one another in both orders; a cursor taken elsewhere is refused."""
    first = (await orders.get("/runs?order=oldest&limit=3&status=running")).json()
    second = (await orders.get(f"/runs?order=oldest&limit=3&status=running&cursor={first['next_cursor']}")).json()
    assert ([run["id"] for run in second["runs"]], second["next_cursor"]) == (["p-4"], None)
    error = await _refused(orders, "GET", f"/runs?order=newest&cursor={first['next_cursor']}")
    assert (error.status_code, error.errors[0]["path"]) == (422, "query.cursor")


@pytest.mark.runners("journal")
@pytest.mark.parametrize(
    ("query", "path"),
    [
        ("attribute=customer", "query.attribute"),
        ("created_after=2026-05-04T13:02:00", "query.created_after"),
        ("id_prefix=", "query.id_prefix"),
        ("status=running&status=asleep", "query.status[1]"),
    ],
)
async def test_a_criterion_that_is_none_is_refused(client: APIClient, query: str, path: str) -> None:
    """What cannot be read is named, when listing, counting and stepping in alike."""
    for method, url in (("GET", "/runs"), ("POST", "/runs/cancel")):
        error = await _refused(client, method, f"{url}?{query}")
        assert (error.status_code, error.errors[0]["path"]) == (422, path)


async def test_open_runs_are_ended_in_portions(orders: APIClient, listed: Listed) -> None:
    """Each portion says to how many runs something was done and leads to the next; those that have ended are left alone."""
    assert (await orders.get("/runs/count?action=terminate&attribute=customer:acme")).json() == {"count": 2}
    done, cursor = [], None
    while True:
        params = {"limit": 2, "id_prefix": "o-"} | ({} if cursor is None else {"cursor": cursor})
        portion = (await orders.post("/runs/terminate", params=params, json={"reason": "audit"})).json()
        done.append(portion["runs"])
        cursor = portion["next_cursor"]
        if cursor is None:
            break
    assert sum(done) == 3
    await listed("o-1", "o-2", "o-3", status="terminated")
    assert (await orders.post("/runs/cancel?status=terminated")).json()["runs"] == 0
    await listed("p-4", status="running")
    assert (await orders.get("/runs/o-1/history")).json()["events"][-1]["reason"] == "audit"
    assert (await orders.post("/runs/pause?id_prefix=p-")).json()["runs"] == 1
    assert (await orders.get("/runs/p-4")).json()["status"] == "paused"


@pytest.mark.runners("journal")
async def test_many_runs_are_dealt_with_in_portions(orders: APIClient) -> None:
    """Each portion says to how many runs something was done and leads to the next; doing it again does nothing more."""
    assert (await orders.get("/runs/count?action=pause&attribute=customer:acme")).json() == {"count": 2}
    done, cursor = [], None
    while True:
        params = {"limit": 2, "id_prefix": "o-"} | ({} if cursor is None else {"cursor": cursor})
        portion = (await orders.post("/runs/pause", params=params, json={"reason": "audit"})).json()
        done.append(portion["runs"])
        cursor = portion["next_cursor"]
        if cursor is None:
            break
    assert done == [2, 1]
    assert await _ids(orders, "status=paused") == ["o-3", "o-2", "o-1"]
    assert (await orders.post("/runs/pause?id_prefix=o-")).json() == {"runs": 0, "next_cursor": None}
    assert (await orders.post("/runs/resume?attribute=customer:acme")).json()["runs"] == 2
    assert (await orders.post("/runs/terminate?status=running&status=completed")).json()["runs"] == 3
    assert (await orders.post("/runs/cancel?status=terminated")).json()["runs"] == 0
    assert await _ids(orders, "status=terminated") == ["p-4", "o-2", "o-1"]
    events = (await orders.get("/runs/o-1/history")).json()["events"]
    assert "audit" in [event.get("reason") for event in events]


async def test_nothing_is_done_to_every_run_by_mistake(orders: APIClient) -> None:
    """Without any criterion nothing is done, and the answer says how all of them are meant."""
    error = await _refused(orders, "POST", "/runs/terminate")
    assert (error.status_code, error.error_code) == (422, "VALIDATION_FAILED")
    assert "status=" in str(error)
    assert len(await _ids(orders, "status=running")) == 4


@pytest.mark.runners("journal")
@pytest.mark.parametrize(
    ("attributes", "code"),
    [
        ({"no name": 1}, "SEARCH_ATTRIBUTE_INVALID"),
        ({"a": 2**63}, "SEARCH_ATTRIBUTE_INVALID"),
        ({"a": "x" * 2_000}, "SEARCH_ATTRIBUTE_INVALID"),
        ({"a": {"time": "2026-05-04T13:02:00"}}, "VALIDATION_FAILED"),
        ({"a": None}, "VALIDATION_FAILED"),
        ({"a": [1]}, "VALIDATION_FAILED"),
    ],
)
async def test_an_attribute_that_cannot_be_starts_nothing(
    client: APIClient, attributes: dict[str, Any], code: str
) -> None:
    """Names and values that are none are refused, and there is no run."""
    body = {"workflow": "office/approval", "options": {"attributes": attributes}}
    error = await _refused(client, "POST", "/runs", json=body)
    assert (error.status_code, error.error_code) == (422, code)
    assert (await client.get("/runs/count")).json() == {"count": 0}


async def test_the_word_for_counting_is_no_id(client: APIClient) -> None:
    """A run cannot be called what its address means already."""
    error = await _refused(client, "POST", "/runs", json={"workflow": "office/approval", "id": "count"})
    assert (error.status_code, error.errors[0]["path"]) == (422, "body.id")
