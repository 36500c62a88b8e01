import sqlite3
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import pytest
from fastapi import Depends
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, SecretStr
from starlette.testclient import TestClient

from maestro_core_api import APIConfig, MaestroAPI, Page, Paging, SecurityConfig, issue_token, paging
from maestro_core_api._cursor import CursorCodec, CursorRefusedError

SECRET = "a-secret-for-tests-of-at-least-32-bytes"
START = datetime(2026, 1, 1, tzinfo=UTC)


class Order(BaseModel):
    number: int
    created_at: datetime
    colour: str


Position = tuple[datetime, int]


class Shop:
    """A listing of orders out of SQLite, in pages."""

    def __init__(self, secret: str | None = SECRET) -> None:
        self.database = sqlite3.connect(":memory:", check_same_thread=False)
        self.database.execute("CREATE TABLE orders (number INTEGER PRIMARY KEY, created_at TEXT, colour TEXT)")
        security = SecurityConfig(jwt_secret_key=secret)
        self.app = MaestroAPI(APIConfig(title="Orders", service_name="orders", security=security))

        @self.app.get("/orders")
        async def orders(
            paging: Annotated[Paging[Position], Depends(paging(Position, default=10, most=100))],
            colour: str | None = None,
        ) -> Page[Order]:
            after_time, after_number = paging.after or (datetime(1, 1, 1, tzinfo=UTC), 0)
            rows = self.database.execute(
                "SELECT number, created_at, colour FROM orders WHERE (created_at, number) > (?, ?) "
                "AND (? IS NULL OR colour = ?) ORDER BY created_at, number LIMIT ?",
                (after_time.isoformat(), after_number, colour, colour, paging.fetch),
            ).fetchall()
            found = [Order(number=number, created_at=at, colour=colour) for number, at, colour in rows]
            return paging.page(found, lambda order: (order.created_at, order.number))

        @self.app.get("/others")
        async def others(paging: Annotated[Paging[Position], Depends(paging(Position))]) -> None: ...

    def add(self, number: int, second: int, colour: str = "red") -> None:
        """Add an order."""
        at = (START + timedelta(seconds=second, microseconds=number)).isoformat()
        self.database.execute("INSERT INTO orders VALUES (?, ?, ?)", (number, at, colour))

    @property
    def client(self) -> TestClient:
        """A caller."""
        return TestClient(self.app, headers={"Authorization": f"Bearer {issue_token(SECRET, subject='ada')}"})


@pytest.fixture
def shop() -> Shop:
    """A shop with 25 orders, every fifth blue."""
    shop = Shop()
    for number in range(1, 26):
        shop.add(number, number, "red" if number % 5 else "blue")
    return shop


def numbers(answer: Any) -> list[int]:
    """The numbers on a page."""
    assert answer.status_code == 200, answer.json()
    return [item["number"] for item in answer.json()["items"]]


def test_pages_follow_one_another(shop: Shop) -> None:
    """Each page says where the next one begins, until the last."""
    first = shop.client.get("/orders")
    assert numbers(first) == list(range(1, 11))
    second = shop.client.get("/orders", params={"cursor": first.json()["next_cursor"], "limit": 14})
    assert numbers(second) == list(range(11, 25))
    third = shop.client.get("/orders", params={"cursor": second.json()["next_cursor"]})
    assert numbers(third) == [25]
    assert third.json()["next_cursor"] is None
    assert "link" not in third.headers


def test_a_last_page_that_is_full_says_so(shop: Shop) -> None:
    """When a page is full and nothing comes after it, there is no next one."""
    assert shop.client.get("/orders", params={"limit": 25}).json()["next_cursor"] is None


def test_the_link_header_leads_to_the_next_page(shop: Shop) -> None:
    """The Link header is relative to the request, and keeps its filters and its limit."""
    answer = shop.client.get("/orders", params={"colour": "red", "limit": 8})
    link = answer.headers["link"]
    assert link.startswith("<?")
    assert link.endswith('>; rel="next"')
    following = shop.client.get("/orders" + link[1 : link.index(">")])
    assert numbers(answer) + numbers(following) == [number for number in range(1, 26) if number % 5][:16]
    assert answer.links["next"]["url"].startswith("?")


@given(
    at_first=st.lists(st.integers(0, 20), max_size=30),
    limit=st.integers(1, 7),
    changes=st.lists(
        st.lists(st.tuples(st.sampled_from(["add", "remove"]), st.integers(0, 20)), max_size=5), max_size=10
    ),
)
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=60)
def test_every_item_comes_once(at_first: list[int], limit: int, changes: list[list[tuple[str, int]]]) -> None:
    """Whatever is added and removed between the pages, an item that was there all the time comes exactly once, none twice."""
    shop = Shop()
    for number, second in enumerate(at_first, start=1):
        shop.add(number, second)
    there, number = set(range(1, len(at_first) + 1)), len(at_first)
    stayed = set(there)
    seen: list[int] = []
    client, cursor, pending = shop.client, None, list(changes)
    while True:
        answer = client.get("/orders", params={"limit": limit} | ({} if cursor is None else {"cursor": cursor}))
        seen += numbers(answer)
        cursor = answer.json()["next_cursor"]
        if cursor is None:
            break
        for kind, value in pending.pop() if pending else []:
            if kind == "add":
                number += 1
                there.add(number)
                shop.add(number, value)
            elif there:
                gone = sorted(there)[value % len(there)]
                there.discard(gone)
                stayed.discard(gone)
                shop.database.execute("DELETE FROM orders WHERE number = ?", (gone,))
    assert len(seen) == len(set(seen))
    assert stayed <= set(seen)


@pytest.mark.parametrize("bent", ["", "x", "!!!", "é", "A" * 3_000, "bnVsbA", "\0"])
def test_a_made_up_cursor_is_refused(shop: Shop, bent: str) -> None:
    """What was not given out is a 400 that says what to do."""
    refused = shop.client.get("/orders", params={"cursor": bent})
    assert (refused.status_code, refused.json()["error_code"]) == (400, "CURSOR_INVALID")
    assert refused.json()["errors"][0]["path"] == "query.cursor"


def test_a_changed_cursor_is_refused(shop: Shop) -> None:
    """A cursor that was changed or cut off anywhere is refused."""
    cursor = shop.client.get("/orders").json()["next_cursor"]
    for at in range(0, len(cursor), 5):
        changed = cursor[:at] + ("A" if cursor[at] != "A" else "B") + cursor[at + 1 :]
        assert shop.client.get("/orders", params={"cursor": changed}).status_code == 400
        assert shop.client.get("/orders", params={"cursor": cursor[:at] or "-"}).status_code == 400


def test_a_cursor_belongs_to_its_listing(shop: Shop) -> None:
    """A cursor of another path or of other filters is refused; the order of the filters and the limit do not matter."""
    cursor = shop.client.get("/orders?colour=red&x=1").json()["next_cursor"]
    assert shop.client.get("/others", params={"cursor": cursor}).status_code == 400
    assert shop.client.get("/orders", params={"cursor": cursor, "colour": "blue", "x": "1"}).status_code == 400
    assert shop.client.get(f"/orders?limit=3&x=1&cursor={cursor}&colour=red").status_code == 200


def test_a_cursor_of_another_service_is_refused(shop: Shop) -> None:
    """Services with different secrets do not take each other's cursors."""
    cursor = shop.client.get("/orders").json()["next_cursor"]
    listing = "/orders?"
    assert CursorCodec(SecretStr(SECRET)).decode(cursor, listing)
    for other in (CursorCodec(SecretStr("x" * 32)), CursorCodec(None)):
        with pytest.raises(CursorRefusedError):
            other.decode(cursor, listing)


@pytest.mark.parametrize("position", [["not a time", 1], [START.isoformat()], {"a": 1}, None, [1, 2, 3]])
def test_a_position_of_another_shape_is_refused(shop: Shop, position: Any) -> None:
    """Even a cursor that is signed is used only when it holds what the endpoint declares."""
    cursor = shop.app.protection.cursors.encode(position, "/orders?")
    assert shop.client.get("/orders", params={"cursor": cursor}).json()["error_code"] == "CURSOR_INVALID"


@pytest.mark.parametrize("limit", ["0", "101", "-1", "many"])
def test_a_limit_has_limits(shop: Shop, limit: str) -> None:
    """A limit outside of what is offered is a 422 that names it."""
    refused = shop.client.get("/orders", params={"limit": limit})
    assert (refused.status_code, refused.json()["errors"][0]["path"]) == (422, "query.limit")


def test_the_document_describes_pages(shop: Shop) -> None:
    """The OpenAPI document names the parameters and the shape of a page."""
    document = shop.app.openapi()
    operation = document["paths"]["/orders"]["get"]
    assert {parameter["name"] for parameter in operation["parameters"]} == {"limit", "cursor", "colour"}
    assert "Page_Order_" in document["components"]["schemas"]
