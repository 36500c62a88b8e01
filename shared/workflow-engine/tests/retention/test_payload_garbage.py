"""Stored payloads that nothing refers to any more are deleted: after a while, never one that is needed, whoever dies when."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import textwrap
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from maestro_workflow_engine import (
    PayloadStore,
    Retention,
    TimeSkippingEngine,
    WorkflowEngine,
    continue_as_new,
    receive,
    step,
    workflow,
)

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
RULES = Retention(completed=HOUR, payloads=DAY)


@step
async def echo(text: str) -> str:
    return text


@workflow
async def keeps(text: str) -> str:
    return await echo(text)


@workflow
async def waits(text: str) -> str:
    return str(await receive("go"))


@workflow
async def loops(number: int) -> int:
    text = await receive("go")
    if number < 3:
        continue_as_new(number + 1)
    return len(text)


def engine(folder: Path, store: PayloadStore | None = None, **options: Any) -> TimeSkippingEngine:
    return WorkflowEngine.test(
        [keeps, waits, loops],
        url=f"sqlite:///{folder}/journal.db",
        payload_store=store or f"file://{folder}/store",
        payload_limit_bytes=100,
        **{"retention": RULES, **options},
    )


def text(name: str) -> str:
    return name * 200


def stored(folder: Path) -> int:
    return sum(path.is_file() for path in (folder / "store" / "sha256").rglob("*"))


def rows(folder: Path, table: str) -> int:
    with closing(sqlite3.connect(folder / "journal.db")) as connection:
        found: int = connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
    return found


async def test_objects_go_with_their_last_run_and_a_while_later(tmp_path: Path):
    """Two runs share one object: it stays as long as either does, and a day longer, as old as a backup may be."""
    async with engine(tmp_path) as e:
        await (await e.start(keeps, text("a"), id="one")).result()
        assert stored(tmp_path) == 1  # input and output are one content
        await e.time.sleep(timedelta(minutes=30))
        await (await e.start(keeps, text("a"), id="two")).result()
        await e.time.sleep(timedelta(minutes=45))
        assert [run.id for run in (await e.runs()).runs] == ["two"]
        await e.time.sleep(timedelta(minutes=30))
        assert (await e.runs()).runs == []
        assert stored(tmp_path) == 1
        await e.time.sleep(DAY + HOUR)
        assert stored(tmp_path) == 0
        assert rows(tmp_path, "payload_refs") == rows(tmp_path, "payload_garbage") == 0


async def test_a_new_pass_of_a_run_lets_go_of_the_payloads_of_the_one_before(tmp_path: Path):
    """A run that starts over for ever does not keep every payload it ever had."""
    async with engine(tmp_path, retention=Retention()) as e:
        handle = await e.start(loops, 1)
        for name in "abc":
            await handle.signal("go", text(name))
            await e.time.sleep(timedelta(seconds=1))
        assert await handle.result() == 200
        assert stored(tmp_path) == 3
        await e.time.sleep(2 * DAY)
        assert stored(tmp_path) == 1


async def test_a_shortened_history_lets_go_of_what_was_between(tmp_path: Path):
    """Input and output are kept, the rest of the payloads goes with the events."""
    async with engine(tmp_path, retention=Retention(history=HOUR)) as e:
        handle = await e.start(waits, text("a"))
        await handle.signal("other", text("b"))
        await handle.signal("go", text("c"))
        await handle.result()
        assert stored(tmp_path) == 3
        await e.time.sleep(2 * DAY)
        assert stored(tmp_path) == 2
        detail = await handle.status()
        assert (detail.input, detail.output) == (text("a"), text("c"))


async def test_what_is_stored_again_stays(tmp_path: Path):
    """An object on the list that a new run refers to is not deleted, and goes after that run."""
    async with engine(tmp_path) as e:
        await (await e.start(keeps, text("a"))).result()
        await e.time.sleep(2 * HOUR)
        assert rows(tmp_path, "payload_garbage") == 1
        await e.start(waits, text("a"), id="open")
        await e.time.sleep(3 * DAY)
        assert stored(tmp_path) == 1
        assert (await e.handle("open").status()).input == text("a")
        await e.handle("open").signal("go")
        await e.handle("open").result()
        await e.time.sleep(3 * DAY)
        assert stored(tmp_path) == 0


class Slow(PayloadStore):
    """A store that deletes when a test lets it."""

    def __init__(self, folder: Path) -> None:
        super().__init__(f"file://{folder}/store")
        self.asked, self.go = asyncio.Event(), asyncio.Event()
        self.puts = 0

    async def put(self, name: str, data: bytes) -> None:
        self.puts += 1
        await super().put(name, data)

    async def delete(self, name: str) -> None:
        self.asked.set()
        await self.go.wait()
        await super().delete(name)


async def test_an_upload_of_what_is_being_deleted_comes_after_the_deletion(tmp_path: Path):
    """The object that a new event refers to is there, however the two meet."""
    store = Slow(tmp_path)
    async with engine(tmp_path, store) as e:
        await (await e.start(keeps, text("a"))).result()
        sleeping = asyncio.create_task(e.time.sleep(2 * DAY))
        await store.asked.wait()
        puts = store.puts
        starting = asyncio.create_task(e.start(waits, text("a"), id="open"))
        for _ in range(20):
            await asyncio.sleep(0)
        assert not starting.done()
        assert store.puts == puts
        store.go.set()
        await starting
        await sleeping
        assert stored(tmp_path) == 1
        assert (await e.handle("open").status()).input == text("a")


async def test_a_store_that_another_journal_uses_is_left_alone(tmp_path: Path):
    """Objects are named by their content, so they may be the other one's as well: nothing is deleted then."""
    async with engine(tmp_path) as e:
        await (await e.start(keeps, text("a"))).result()
    (tmp_path / "other").mkdir()
    async with engine(tmp_path / "other", PayloadStore(f"file://{tmp_path}/store"), retention=Retention()) as other:
        await (await other.start(keeps, text("a"), id="theirs")).result()
        later: datetime = other.time.now() + 9 * DAY
    async with engine(tmp_path, start_time=later) as e:
        await e.time.sleep(9 * DAY)
        assert (await e.runs()).runs == []
        assert stored(tmp_path) == 1
    async with engine(tmp_path / "other", PayloadStore(f"file://{tmp_path}/store"), retention=Retention()) as other:
        assert await other.handle("theirs").result() == text("a")


DIES = textwrap.dedent(
    """
    import asyncio, sys
    from datetime import timedelta
    from pathlib import Path
    sys.path.insert(0, sys.argv[2])
    from test_payload_garbage import *
    from maestro_workflow_engine.embedded import _crash_points

    async def main():
        async with engine(Path(sys.argv[1])) as e:
            await (await e.start(keeps, text("a"))).result()
            await e.start(waits, text("b"), id="open")
            _crash_points.arm(sys.argv[3], int(sys.argv[4]))
            await e.time.sleep(3 * DAY)

    asyncio.run(main())
    """
)


@pytest.mark.parametrize(
    ("point", "hits"),
    [("before-commit", 1), ("after-commit", 1), ("before-commit", 2), ("payload-deleted", 1), ("before-commit", 3)],
)
async def test_a_kill_while_purging_or_deleting_loses_nothing_that_is_needed(tmp_path: Path, point: str, hits: int):
    """Whichever comes first, the next engine finishes: what is not referred to is gone, what is referred to is there."""
    command = [sys.executable, "-c", DIES, str(tmp_path), str(Path(__file__).parent), point, str(hits)]
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
    _, errors = await process.communicate()
    assert process.returncode is not None
    assert process.returncode < 0, errors
    async with engine(tmp_path, start_time=datetime.fromisoformat("2030-02-01T00:00:00+00:00")) as e:
        await e.time.sleep(3 * DAY)
        assert [run.id for run in (await e.runs()).runs] == ["open"]
        assert (await e.handle("open").status()).input == text("b")
        assert stored(tmp_path) == 1
        assert rows(tmp_path, "payload_garbage") == 0


async def test_objects_without_a_store_at_hand_are_deleted_once_it_is_back(tmp_path: Path):
    """A purge by an engine without the store leaves the list; one with the store works it off."""
    async with engine(tmp_path) as e:
        await (await e.start(keeps, text("a"))).result()
        later = e.time.now() + 2 * HOUR
    without = WorkflowEngine.test([keeps], url=f"sqlite:///{tmp_path}/journal.db", start_time=later, retention=RULES)
    async with without as e:
        await e.time.sleep(HOUR)
        assert (await e.runs()).runs == []
    assert stored(tmp_path) == 1
    async with engine(tmp_path, start_time=later + 2 * DAY) as e:
        await e.time.sleep(HOUR)
        assert stored(tmp_path) == 0
