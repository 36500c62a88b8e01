"""Events in a journal: what is kept of them is sealed, and who is asked about one."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from maestro_workflow_engine import AesGcmCodec, EventSinkError, WorkflowEngine
from maestro_workflow_engine._event_filter import Correlation, EventFilter, Is, Like, Where, encode_filters
from maestro_workflow_engine.dsl import load_document
from maestro_workflow_engine.embedded._subscriptions import Subscriptions

EVENT = {"id": "1", "source": "https://example.com", "type": "order.made"}


DOCUMENT = """
document: {dsl: '1.0.3', namespace: test, name: sample, version: 1.0.0}
do:
  - w: {listen: {to: {one: {with: {type: order.made}, correlate: {word: {from: .data.word, expect: '${ .word }'}}}}}}
  - e: {emit: {event: {with: {type: heard, data: '${ .[0] }'}}}}
"""


class Absent:
    async def send(self, event: Mapping[str, Any]) -> None:
        raise EventSinkError("nobody is there")


async def test_what_is_kept_of_events_is_sealed_like_payloads(tmp_path: Path) -> None:
    """With a codec, neither filters nor events are readable in the file, and all goes on after a restart."""
    options: dict[str, Any] = {
        "workflows": [load_document(DOCUMENT).as_workflow()],
        "codec": AesGcmCodec({"k1": b"k" * 32}, active="k1"),
        "event_sink": Absent(),
    }
    url, event = f"sqlite:///{tmp_path}/journal.db", {**EVENT, "data": {"word": "sesame"}}
    async with WorkflowEngine(url, **options) as engine:
        handle = await engine.start("test/sample", {"word": "sesame"}, id="r")
        async with asyncio.timeout(30):
            while not (await handle.status()).waiting_for:
                await asyncio.sleep(0.005)
    async with WorkflowEngine(url, **options) as engine:
        assert await engine.publish_event(event)
        assert (await engine.handle("r").result(timedelta(seconds=30)))["data"] == {"word": "sesame"}
    with closing(sqlite3.connect(tmp_path / "journal.db")) as connection:
        assert connection.execute("SELECT count(*) FROM outbox").fetchone() == (1,)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert b"sesame" not in (tmp_path / "journal.db").read_bytes()


def filters(*wanted: EventFilter) -> bytes:
    return encode_filters(wanted)


def test_an_event_asks_only_those_of_its_type(monkeypatch: pytest.MonkeyPatch) -> None:
    """Filters of other types are not matched, and of one type only those whose correlation or attribute has the value."""
    asked: list[EventFilter] = []
    matches = EventFilter.matches

    def counted(wanted: EventFilter, event: Any) -> bool:
        asked.append(wanted)
        return matches(wanted, event)

    monkeypatch.setattr(EventFilter, "matches", counted)
    known = Subscriptions()
    for run in range(1_000):
        correlated = EventFilter({"type": Is("paid")}, {"order": Correlation(".data.order", {}, run)})
        known.put(run, "1", filters(correlated))
        known.put(run, "2", filters(EventFilter({"type": Is("shipped"), "subject": Is(str(run))})))
        known.put(run, "3", filters(EventFilter({"type": Is(f"kind {run}")})))
    known.put(1_000, "1", filters(EventFilter({"type": Like("pa.*")})))
    known.put(1_001, "1", filters(EventFilter({"data": Where(".order == 7")})))
    assert known.matching({"type": "paid", "data": {"order": 7}}) == [7, 1_000, 1_001]
    assert len(asked) == 3
    asked.clear()
    assert known.matching({"type": "shipped", "subject": "12"}) == [12]
    assert known.matching({"type": "kind 5"}) == [5]
    assert known.matching({"type": "none"}) == []
    assert len(asked) == 8  # the two that name no type are asked each time


def test_what_is_dropped_is_not_found_again() -> None:
    """Nor what it has been replaced by something else."""
    known = Subscriptions()
    assert known.put(
        1, "1", filters(EventFilter({"type": Is("a")}), EventFilter({"type": Is("b"), "subject": Is("x")}))
    )
    assert not known.put(
        1, "1", filters(EventFilter({"type": Is("a")}), EventFilter({"type": Is("b"), "subject": Is("x")}))
    )
    assert known.matching({"type": "b", "subject": "x"}) == [1]
    assert known.put(1, "1", filters(EventFilter({"type": Is("a")})))
    assert known.matching({"type": "b", "subject": "x"}) == []
    assert known.drop(1, "1")
    assert not known.drop(1, "1")
    assert known.matching({"type": "a"}) == []
    assert known._by_type == {}
    assert known.names(1) == []
