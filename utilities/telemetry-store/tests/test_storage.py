import sqlite3
from pathlib import Path

import pytest

from maestro_core_logging.testing import capture_logs
from telemetry_store.errors import StorageError
from telemetry_store.records import LogRecord, Point, Span
from telemetry_store.storage import (
    LogFilter,
    TelemetryFile,
    add_logs,
    add_points,
    add_spans,
    logs_page,
    series,
    sizes,
    spans_of,
    sweep,
)

TRACE = "a" * 32


def _span(number: int, start_ns: int) -> Span:
    return Span(
        TRACE, f"{number:016x}", "", "orders", "work", "server", start_ns, 5, False, attributes={"pad": "x" * 900}
    )


def _set_aside(folder: Path) -> list[Path]:
    return list(folder.glob("store.db.*.unusable"))


async def test_what_was_kept_is_there_after_a_restart(tmp_path: Path) -> None:
    """The file outlives the process."""
    path = tmp_path / "store.db"
    async with TelemetryFile.opened(path) as file:
        await file.write(lambda connection: add_spans(connection, [_span(1, 10)]))
    async with TelemetryFile.opened(path) as file:
        assert await file.read(lambda connection: spans_of(connection, TRACE, 10)) == [_span(1, 10)]


async def test_the_oldest_goes_when_it_becomes_too_much(tmp_path: Path) -> None:
    """The file stays below its limit, and what is left is the latest."""
    limit = 3_000_000
    async with TelemetryFile.opened(tmp_path / "store.db") as file:
        await file.write(lambda connection: add_spans(connection, [_span(number, number) for number in range(6_000)]))
        before = await file.read(sizes)
        gone = await file.write(lambda connection: sweep(connection, before_ns=0, max_bytes=limit))
        after = await file.read(sizes)
        kept = await file.read(lambda connection: spans_of(connection, TRACE, 10_000))

    assert before.used_bytes > limit >= after.used_bytes
    assert gone >= 6_000 - after.spans > 0
    assert [span.start_ns for span in kept] == list(range(6_000 - len(kept), 6_000))
    assert 1_000 < len(kept) < 6_000


async def test_the_old_goes_with_its_text(tmp_path: Path) -> None:
    """A line that was taken out is not found any more, neither by its words."""
    async with TelemetryFile.opened(tmp_path / "store.db") as file:
        records = [LogRecord(number, "orders", "info", "log", f"Line {number}") for number in range(10)]
        await file.write(lambda connection: add_logs(connection, records))
        await file.write(lambda connection: sweep(connection, before_ns=8, max_bytes=10**9))
        found = await file.read(lambda connection: logs_page(connection, LogFilter(text="line"), None, 100))

    assert [record.event for _, record in found] == ["Line 9", "Line 8"]


async def test_series_over_time(tmp_path: Path) -> None:
    """Each combination of attributes is a series of its own, the earliest point first."""
    points = [Point("orders", "queue", {"lane": lane}, time, "gauge", "1", time) for lane in "ab" for time in (3, 1, 2)]
    async with TelemetryFile.opened(tmp_path / "store.db") as file:
        await file.write(lambda connection: add_points(connection, points))
        found = await file.read(lambda connection: series(connection, "queue", None, 2, 100))

    assert [(one.attributes, one.points) for one in found] == [
        ({"lane": "a"}, [(2, 2.0), (3, 3.0)]),
        ({"lane": "b"}, [(2, 2.0), (3, 3.0)]),
    ]


@pytest.mark.parametrize("damage", ["garbage", "another", "later"])
async def test_a_file_that_cannot_be_used_is_set_aside(tmp_path: Path, damage: str) -> None:
    """Damaged, somebody else's or a later version's: it is kept under another name, the log tells, and a new one begins."""
    path = tmp_path / "store.db"
    if damage == "garbage":
        path.write_bytes(b"no database at all" * 500)
    else:
        other = sqlite3.connect(path)
        other.execute("CREATE TABLE theirs (x)")
        other.execute(f"PRAGMA user_version = {99 if damage == 'later' else 0}")
        other.close()
    content = path.read_bytes()

    with capture_logs() as logs:
        async with TelemetryFile.opened(path) as file:
            assert (await file.read(sizes)).spans == 0

    (aside,) = _set_aside(tmp_path)
    assert aside.read_bytes()[:16] == content[:16]
    assert [line["aside"] for line in logs if line["level"] == "error"] == [str(aside)]


async def test_a_batch_that_fails_leaves_nothing(tmp_path: Path) -> None:
    """All of a request is kept, or nothing of it."""

    def half(connection: sqlite3.Connection) -> None:
        add_spans(connection, [_span(1, 10)])
        connection.execute("INSERT INTO nowhere VALUES (1)")

    async with TelemetryFile.opened(tmp_path / "store.db") as file:
        with pytest.raises(StorageError, match="nowhere"):
            await file.write(half)
        assert (await file.read(sizes)).spans == 0


async def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """The message names the path and what the system says."""
    (tmp_path / "file").touch()

    with pytest.raises(StorageError, match=r"file.*(directory|exists)"):
        async with TelemetryFile.opened(tmp_path / "file" / "store.db"):
            pass
