import asyncio
import gzip
import json
from typing import Any

import httpx2
import pytest

from maestro_core_logging import OtlpExport, configure_logging, flush_logs, get_logger

TRACE = "3" * 32


@pytest.fixture
def sender(sender: dict[str, str]) -> dict[str, str]:
    """Headers of whoever may send JSON."""
    return sender | {"content-type": "application/json"}


def _request(*records: dict[str, Any], service: str = "orders") -> dict[str, Any]:
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]}
    return {
        "resourceLogs": [
            {"resource": resource, "scopeLogs": [{"scope": {"name": "orders.api"}, "logRecords": list(records)}]}
        ]
    }


def _record(event: str, number: int, severity: int = 9, **more: Any) -> dict[str, Any]:
    return {
        "timeUnixNano": str(1_790_000_000_000_000_000 + number * 1_000),
        "severityNumber": severity,
        "body": {"stringValue": event},
        **more,
    }


async def test_lines_are_found(store: httpx2.AsyncClient, sender: dict[str, str]) -> None:
    """By service, level, trace, and by the beginnings of words in the event and the attributes; the latest first."""
    attribute = {"attributes": [{"key": "order_id", "value": {"stringValue": "ord-4711"}}]}
    await store.post(
        "/v1/logs",
        json=_request(
            _record("Order accepted", 1, traceId=TRACE, spanId="4" * 16, **attribute),
            _record("Payment refused", 2, severity=17),
        ),
        headers=sender,
    )
    await store.post("/v1/logs", json=_request(_record("Payment sent", 3), service="billing"), headers=sender)

    async def found(**query: Any) -> list[str]:
        return [item["event"] for item in (await store.get("/logs", params=query)).json()["items"]]

    assert await found() == ["Payment sent", "Payment refused", "Order accepted"]
    assert await found(service="orders") == ["Payment refused", "Order accepted"]
    assert await found(level="warning") == ["Payment refused"]
    assert await found(text="paym") == ["Payment sent", "Payment refused"]
    assert await found(text="pay refus") == ["Payment refused"]
    assert await found(text="4711") == ["Order accepted"]
    assert await found(text='" OR 1=1 --*') == []
    assert await found(trace_id=TRACE) == ["Order accepted"]
    trace = (await store.get(f"/traces/{TRACE}")).json()
    assert trace["logs"][0]["attributes"] == {"order_id": "ord-4711"}
    assert trace["logs"][0]["time"] == "2026-09-21T14:13:20.000001Z"


async def test_pages_go_on_where_the_one_before_ended(store: httpx2.AsyncClient, sender: dict[str, str]) -> None:
    """Each line once, although lines of the same instant stand on both sides."""
    records = [_record(f"Line {number}", number // 4) for number in range(30)]
    await store.post("/v1/logs", json=_request(*records), headers=sender)
    seen: list[str] = []
    cursor = None
    while True:
        query = {"limit": 7} | ({"cursor": cursor} if cursor else {})
        page = (await store.get("/logs", params=query)).json()
        seen += [item["event"] for item in page["items"]]
        if (cursor := page["next_cursor"]) is None:
            break

    assert sorted(seen) == sorted(f"Line {number}" for number in range(30))


async def test_lines_that_are_sent_twice_are_kept_once(store: httpx2.AsyncClient, sender: dict[str, str]) -> None:
    """Packed or not, a line that comes again is the same line."""
    body = json.dumps(_request(_record("Order accepted", 1))).encode()
    await store.post("/v1/logs", content=body, headers=sender)
    packed = await store.post("/v1/logs", content=gzip.compress(body), headers=sender | {"content-encoding": "gzip"})

    assert (packed.status_code, packed.json()) == (200, {})
    assert (await store.get("/statistics")).json()["logs"] == 1


async def test_what_core_logging_sends_is_understood(store: httpx2.AsyncClient, sender: dict[str, str]) -> None:
    """A line that a service logs is found with its level, logger and fields."""
    export = OtlpExport(endpoint=str(store.base_url).rstrip("/"), headers={"authorization": sender["authorization"]})
    configure_logging("shop", log_format="json", version="1.0.0", otlp=export)
    get_logger("shop.cart").warning("Cart abandoned", items=3)
    await asyncio.to_thread(flush_logs)
    configure_logging("shop")

    (line,) = (await store.get("/logs", params={"service": "shop", "text": "abandoned"})).json()["items"]

    assert (line["level"], line["logger"], line["event"]) == ("warning", "shop.cart", "Cart abandoned")
    assert line["attributes"]["items"] == 3
