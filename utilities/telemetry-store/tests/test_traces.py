from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx2

from telemetry_store.config import TelemetryStoreConfig

ONE, TWO = "1" * 32, "2" * 32
ROOT, CHILD, OTHER = "a" * 16, "b" * 16, "c" * 16
Spans = Callable[..., bytes]


async def _send(store: httpx2.AsyncClient, sender: dict[str, str], body: bytes) -> httpx2.Response:
    return await store.post("/v1/traces", content=body, headers=sender)


async def test_a_trace_comes_back_whole(store: httpx2.AsyncClient, sender: dict[str, str], spans: Spans) -> None:
    """Spans of several services, sent apart and out of order, are one trace in the order in which they began."""
    await _send(store, sender, spans(ONE, ("orders", CHILD, ROOT, 5, 20, True)))
    answer = await _send(store, sender, spans(ONE, ("gateway", ROOT, "", 0, 40, False)))

    trace = (await store.get(f"/traces/{ONE}")).json()

    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/x-protobuf")
    assert [(span["service"], span["parent_id"], span["duration_ms"]) for span in trace["spans"]] == [
        ("gateway", None, 40.0),
        ("orders", ROOT, 20.0),
    ]
    assert trace["spans"][1]["attributes"] == {"order": 7}
    assert [span["failed"] for span in trace["spans"]] == [False, True]
    assert (trace["logs"], trace["is_cut"]) == ([], False)


async def test_a_batch_that_is_sent_twice_is_kept_once(
    store: httpx2.AsyncClient, sender: dict[str, str], spans: Spans
) -> None:
    """A sender that did not hear the answer sends again, and nothing is counted twice."""
    body = spans(ONE, ("gateway", ROOT, "", 0, 40, False), ("orders", CHILD, ROOT, 5, 20, True))
    for _ in range(2):
        await _send(store, sender, body)

    (summary,) = (await store.get("/traces")).json()["items"]

    assert (summary["spans"], summary["failed_spans"]) == (2, 1)
    assert (summary["service"], summary["services"]) == ("gateway", ["gateway", "orders"])
    assert (summary["name"], summary["duration_ms"]) == (f"work {ROOT}", 40.0)


async def test_traces_are_found_by_what_is_known_of_them(
    store: httpx2.AsyncClient, sender: dict[str, str], spans: Spans
) -> None:
    """By service, name, time, length and failure; every page goes on where the one before ended."""
    await _send(store, sender, spans(ONE, ("gateway", ROOT, "", 0, 40, False), name="GET /orders"))
    await _send(store, sender, spans(TWO, ("billing", OTHER, "", 100, 900, True), name="charge"))

    async def found(**query: Any) -> list[str]:
        return [item["trace_id"] for item in (await store.get("/traces", params=query)).json()["items"]]

    first = (await store.get("/traces", params={"limit": 1})).json()
    second = (await store.get("/traces", params={"limit": 1, "cursor": first["next_cursor"]})).json()
    started = (await store.get(f"/traces/{TWO}")).json()["spans"][0]["start"]
    assert [item["trace_id"] for item in first["items"] + second["items"]] == [TWO, ONE]
    assert second["next_cursor"] is None
    assert await found() == [TWO, ONE]
    assert await found(service="billing") == [TWO]
    assert await found(service="bill") == []
    assert await found(name="get /ord") == [ONE]
    assert await found(min_duration_ms=500) == [TWO]
    assert await found(failed=True) == [TWO]
    assert await found(failed=False) == [ONE]
    assert await found(since=started) == [TWO]
    assert await found(until=started) == [ONE]
    assert await found(since="0001-01-01T00:00:00Z", until="9999-12-31T00:00:00Z") == [TWO, ONE]


async def test_who_calls_whom(
    store: httpx2.AsyncClient, sender: dict[str, str], spans: Spans, config: TelemetryStoreConfig
) -> None:
    """Calls between services are counted with their failures and durations; work within one service is no call."""
    await _send(
        store,
        sender,
        spans(
            ONE,
            ("gateway", ROOT, "", 0, 40, False),
            ("orders", CHILD, ROOT, 5, 20, True),
            ("orders", OTHER, CHILD, 6, 1, False),
        ),
    )

    graph = (await store.get("/graph", params={"window_s": 120})).json()

    assert graph["dependencies"] == [
        {"caller": "gateway", "callee": "orders", "requests": 1, "failed": 1, "p50_ms": 20.0, "p95_ms": 20.0}
    ]
    assert [(load["service"], load["requests"]) for load in graph["services"]] == [("gateway", 1), ("orders", 2)]
    assert (await store.get("/graph", params={"window_s": 1})).json() == {"services": [], "dependencies": []}
    assert config.keep_s == timedelta(days=7).total_seconds()


async def test_an_unknown_trace_is_told(store: httpx2.AsyncClient) -> None:
    """404 for one that is not here, 422 for what is no id."""
    missing, nonsense = await store.get(f"/traces/{'f' * 32}"), await store.get("/traces/nonsense")

    assert (missing.status_code, missing.json()["error_code"]) == (404, "TRACE_NOT_FOUND")
    assert nonsense.status_code == 422
