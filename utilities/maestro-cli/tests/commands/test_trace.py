"""`maestro trace`: what belongs together stands together."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maestro_cli.commands.trace._entries import Entry, as_tree, log_entry, span_entry
from maestro_cli.commands.trace._gathering import _from_files
from maestro_cli.testing import Workspace

TRACE = "a" * 32
START = datetime(2026, 11, 26, tzinfo=UTC)


def _span(name: str, span: str, parent: str | None, at_ms: int) -> Entry:
    return Entry(START + timedelta(milliseconds=at_ms), "work", "shop", name, span, parent, 1.0)


def _log(name: str, span: str | None, at_ms: int) -> Entry:
    return Entry(START + timedelta(milliseconds=at_ms), "log", "shop", name, span)


def test_entries_stand_below_what_they_are_a_part_of() -> None:
    """Spans below their parents, lines below the spans that they were written in, each level in the order of time."""
    entries = [
        _log("alone", None, 9),
        _span("second", "c", "a", 5),
        _log("in the first", "b", 3),
        _span("first", "b", "a", 2),
        _span("root", "a", None, 1),
        _span("orphan", "d", "gone", 4),
    ]

    assert [(depth, entry.what) for depth, entry in as_tree(entries)] == [
        (0, "root"),
        (1, "first"),
        (2, "in the first"),
        (1, "second"),
        (0, "orphan"),
        (0, "alone"),
    ]


@given(
    st.lists(st.tuples(st.sampled_from("abcde"), st.sampled_from(["a", "b", "c", "d", "e", "x", None])), max_size=12)
)
def test_every_entry_is_shown_once(pairs: list[tuple[str, str | None]]) -> None:
    """Whatever is said of who is a part of whom, circles included."""
    entries = [_span(f"span {number}", span, parent, number) for number, (span, parent) in enumerate(pairs)]

    shown = [entry.what for _, entry in as_tree(entries)]

    assert sorted(shown) == sorted(entry.what for entry in entries)


@pytest.mark.parametrize(
    ("service", "name", "kind", "attributes", "expected"),
    [
        ("gateway", "GET /orders", "server", {}, "gateway"),
        ("shop", "GET /orders", "server", {}, "request"),
        ("shop", "POST", "client", {"url.full": "service://billing/charges"}, "call"),
        ("shop", "step charge", "internal", {}, "step"),
        ("intelligence-service", "chat", "client", {"gen_ai.system": "openai"}, "model"),
        ("shop", "publish order.paid", "producer", {}, "event"),
        ("shop", "SELECT orders", "client", {"db.system.name": "sqlite"}, "query"),
        ("shop", "sort", "internal", {}, "work"),
    ],
)
def test_a_span_is_named_for_what_it_is(
    service: str, name: str, kind: str, attributes: dict[str, Any], expected: str
) -> None:
    """Steps, calls of models and events are told apart by what their spans say of themselves."""
    span = {
        "service": service,
        "name": name,
        "kind": kind,
        "attributes": attributes,
        "start": START.isoformat(),
        "span_id": "a",
        "parent_id": None,
        "duration_ms": 1.0,
        "failed": False,
        "message": "",
    }

    entry = span_entry(span)

    assert entry.kind == expected
    assert entry.what == ("POST service://billing/charges" if expected == "call" else name)


def test_lines_of_the_logs_themselves_are_found(tmp_path: Path) -> None:
    """What never reached the store is read from the files; what only mentions the id, or is no line of ours, is not."""
    line = {"timestamp": START.isoformat(), "level": "error", "event": "Lost", "service": "shop", "trace_id": TRACE}
    other = line | {"trace_id": "b" * 32, "event": f"Something about {TRACE}"}
    (tmp_path / "shop.log").write_text("\n".join([json.dumps(line), json.dumps(other), f"plain {TRACE}", '{"cut']))

    (tmp_path / "cart.log.1").write_text(json.dumps(line | {"event": "Long ago", "service": "cart"}))

    long_ago, lost = _from_files(tmp_path, TRACE)

    assert (lost.kind, lost.what, lost.failed) == ("log", "Lost", True)
    assert (long_ago.service, long_ago.what) == ("cart", "Long ago"), "logs that were moved out of the way count too"


def test_a_line_keeps_its_level_and_fields() -> None:
    """They are what a person looks for."""
    line = {
        "time": START.isoformat(),
        "service": "shop",
        "event": "Lost",
        "span_id": "a",
        "level": "warning",
        "attributes": {"order": 7},
    }

    assert log_entry(line).details == {"level": "warning", "order": 7}


def test_without_an_environment_the_logs_are_all_there_is(workspace: Workspace) -> None:
    """What does not run is named, and nothing found is an error with what to do."""
    logs = workspace.home / "logs"
    logs.mkdir(parents=True)
    line = {"timestamp": START.isoformat(), "level": "info", "event": "Paid", "service": "shop", "trace_id": TRACE}
    (logs / "shop.log").write_text(json.dumps(line) + "\n")

    found = workspace.ask("trace", TRACE, "--json")
    nothing = workspace.ask("trace", "b" * 32)

    report = json.loads(found.stdout)
    assert [(entry["kind"], entry["what"]) for entry in report["entries"]] == [("log", "Paid")]
    assert report["missing"] == ["telemetry-store does not run", "governance-service does not run"]
    assert (nothing.returncode, "nothing carries" in nothing.stderr) == (1, True)
