"""Writes the golden journal of today's format as text: `python golden_writing.py > journal-next.sql`, once the format has changed."""

from __future__ import annotations

import asyncio
import re
import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import timedelta
from pathlib import Path

import golden_workflows as golden

from maestro_workflow_engine import CronSpec, IntervalSpec, WorkflowCancelledError, WorkflowEngine, WorkflowFailedError

_STORED = "5f" * 32
_JOURNAL_ID = "0123456789abcdef0123456789abcdef"
_TRACEBACK = re.compile(rb'"traceback":"(?:[^"\\]|\\.)*"')  # it names files and lines


async def make(path: Path) -> None:
    """Let every kind of event happen; the same each time."""
    async with WorkflowEngine.test(golden.ALL, url=f"sqlite:///{path}", seed=7) as engine:
        await engine.start(golden.order, "bolt", 1250, id="order-1")
        await engine.handle("order-1").update("note", "in a hurry", id="update-1")
        await engine.time.sleep(timedelta(minutes=2))
        for run_id in ("failed-1", "redriven-1"):
            await engine.start(golden.sender, "Mars", id=run_id)
            with suppress(WorkflowFailedError):
                await engine.handle(run_id).result()
        await engine.handle("redriven-1").retry()
        with suppress(WorkflowFailedError):
            await engine.handle("redriven-1").result()
        for run_id in ("cancelled-1", "terminated-1", "paused-1", "continued-1", "waiting-1", "completed-1"):
            await engine.start(golden.waiter, 1, id=run_id)
        await engine.handle("cancelled-1").cancel("no longer needed")
        with suppress(WorkflowCancelledError):
            await engine.handle("cancelled-1").result()
        await engine.handle("terminated-1").terminate("stuck")
        await engine.handle("waiting-1").pause("for a while")
        await engine.handle("waiting-1").resume()
        await engine.handle("paused-1").pause()
        await engine.handle("paused-1").signal("go", "at last")
        await engine.handle("continued-1").signal("go", "again")
        await engine.handle("completed-1").signal("go", {"by": "Ada"})
        await engine.handle("completed-1").result()
        await engine.start(golden.parent, id="parent-1")
        await engine.time.sleep(timedelta(seconds=1))
        await engine.handle("child-missing").cancel()
        await engine.handle("parent-1").result()
        await engine.schedule("yearly", golden.waiter, 5, spec=CronSpec("0 3 1 1 *", zone="Europe/Berlin"))
        await engine.schedule("often", golden.waiter, 5, spec=IntervalSpec(timedelta(days=900)), paused=True)
    with closing(sqlite3.connect(path)) as connection, connection:
        key, event = connection.execute(
            "SELECT run, event FROM history JOIN runs ON key = run WHERE id = 'completed-1' AND position = 1"
        ).fetchone()
        stored = event.replace(b'{"by":"Ada"}', b'{"$maestro.ref":{"sha256":"%s","bytes":12}}' % _STORED.encode())
        assert stored != event
        connection.execute("UPDATE history SET event = ? WHERE run = ? AND position = 1", (stored, key))
        if connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'payload_refs'").fetchone()[0]:
            connection.execute("INSERT INTO payload_refs VALUES (?, 1, ?)", (key, _STORED))
            connection.execute("UPDATE facts SET value = ? WHERE name = 'journal_id'", (_JOURNAL_ID,))


def dump(path: Path) -> Iterator[str]:
    """Yield the lines of a journal as SQL. The version is not among them: it is the file's name."""
    with closing(sqlite3.connect(path)) as connection:
        yield f"PRAGMA application_id = {connection.execute('PRAGMA application_id').fetchone()[0]};"
        shape = connection.execute("SELECT name, type, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
        for _, _, sql in shape:
            yield f"{sql};"
        for table in sorted(name for name, kind, _ in shape if kind == "table"):
            for row in connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2"):
                yield f"INSERT INTO {table} VALUES ({', '.join(map(_literal, row))});"


def _literal(value: object) -> str:
    if isinstance(value, bytes):
        text = _TRACEBACK.sub(b'"traceback":"(as it was)"', value).decode()
        return f"CAST({_literal(text)} AS BLOB)"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    return "NULL" if value is None else str(value)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(make(Path(folder) / "journal.db"))
        sys.stdout.write("".join(f"{line}\n" for line in dump(Path(folder) / "journal.db")))
