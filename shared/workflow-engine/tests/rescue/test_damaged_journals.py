"""Journals that were really damaged: what can still be read of them, and what is said to be lost."""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import textwrap
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from maestro_workflow_engine import (
    JournalCorruptError,
    JournalError,
    JournalLockedError,
    WorkflowEngine,
    check_journal,
    receive,
    replay,
    rescue_journal,
    step,
    workflow,
)
from maestro_workflow_engine.embedded._schema import FORMAT_VERSION
from maestro_workflow_engine.rescue._pages import _RUN_COLUMNS

SOON = timedelta(seconds=30)
PAGE = 4096
RUNS, STEPS = 60, 8


@step
async def number(n: int) -> str:
    return f"{n}-" + "x" * 150


@workflow
async def count(to: int) -> str:
    for n in range(to):
        await number(n)
    await receive("go")
    return "done"


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A journal of many runs: the even ones have ended, the odd ones wait."""
    path = tmp_path_factory.mktemp("sound") / "journal.db"

    async def fill() -> None:
        async with WorkflowEngine(f"sqlite:///{path}", workflows=[count]) as engine:
            handles = [await engine.start(count, STEPS, id=f"r{index:03}") for index in range(RUNS)]
            for index, handle in enumerate(handles):
                if index % 2 == 0:
                    await handle.signal("go")
                    await handle.result(SOON)
                else:
                    async for event in engine.watch(handle.id):
                        if event.position == STEPS:
                            break

    asyncio.run(fill())
    return path


@pytest.fixture
def journal(sound: Path, tmp_path: Path) -> Path:
    """A copy to damage."""
    return Path(shutil.copy(sound, tmp_path / "journal.db"))


def spoil(path: Path, change: Callable[[bytearray], None]) -> None:
    data = bytearray(path.read_bytes())
    change(data)
    path.write_bytes(data)


def rescued(path: Path) -> tuple[dict[str, dict[str, Any]], list[str], list[str]]:
    """Return the runs by id, the losses and the findings; the file must be as before."""
    before = {file.name: hashlib.sha256(file.read_bytes()).digest() for file in path.parent.iterdir()}
    with rescue_journal(path) as rescue:
        documents = {document["run_id"]: document for document in rescue.runs()}
        report = rescue.report
    assert {file.name: hashlib.sha256(file.read_bytes()).digest() for file in path.parent.iterdir()} == before
    assert report.runs == len(documents)
    assert report.events == sum(len(document["events"]) for document in documents.values())
    return documents, [str(loss) for loss in report.losses], report.findings


def pages_of(path: Path, table: str) -> list[int]:
    """Return the leaf pages of a table, numbered from 1."""
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT pageno FROM dbstat WHERE name = ? AND pagetype = 'leaf'", (table,))
        return [page for (page,) in rows]


def test_a_sound_journal_gives_everything(journal: Path):
    """Nothing is lost of a sound journal, and each document replays."""
    documents, losses, findings = rescued(journal)

    assert (losses, findings) == ([], [])
    assert sorted(documents) == [f"r{index:03}" for index in range(RUNS)]
    for index, document in enumerate(documents.values()):
        assert replay(document, count).status == ("completed" if index % 2 == 0 else "running")
    report = check_journal(journal)
    assert (report.is_sound, report.runs, report.format_version) == (True, RUNS, FORMAT_VERSION)


async def test_rescued_runs_go_on_in_a_new_journal(journal: Path, tmp_path: Path):
    """What was rescued is imported: finished runs have their results, the others go on."""
    spoil(journal, lambda data: data.__delitem__(slice(len(data) * 3 // 4, None)))
    documents, losses, _ = rescued(journal)
    whole = [document for document in documents.values() if document["complete"] and document["workflow"]]

    assert losses
    assert len(whole) > RUNS // 2
    async with WorkflowEngine(f"sqlite:///{tmp_path}/new.db", workflows=[count]) as engine:
        for document in whole:
            handle = await engine.import_run(document)
            if document["events"][-1]["event"]["type"] != "run_completed":
                await handle.signal("go")
            assert await handle.result(SOON) == "done"


@pytest.mark.parametrize("share", [0.3, 0.5, 0.9])
def test_a_truncated_journal_gives_what_lies_before_the_cut(journal: Path, sound: Path, share: float):
    """Of a file that is cut off, every event on the pages that are left and can be reached is read as it was."""
    spoil(journal, lambda data: data.__delitem__(slice(int(len(data) * share), None)))

    documents, losses, findings = rescued(journal)

    original = rescued(sound)[0]
    assert losses
    assert findings
    read = 0
    for run_id, document in documents.items():
        assert [event for event in document["events"] if event not in original[run_id]["events"]] == []
        read += len(document["events"])
        if document["complete"] and document["workflow"]:
            assert document == original[run_id]
    leaves = [page for page in pages_of(sound, "history") if page * PAGE <= journal.stat().st_size]
    assert read >= len(leaves) * 6  # an event takes about 300 bytes; some of the pages are not full, or out of reach


def test_one_damaged_page_costs_its_events_and_no_more(journal: Path, sound: Path):
    """Runs before, after and beside an unreadable page are whole; the runs on it say which positions they lost."""
    page = pages_of(journal, "history")[10]
    spoil(journal, lambda data: data.__setitem__(slice((page - 1) * PAGE, page * PAGE), bytes(PAGE)))

    documents, losses, findings = rescued(journal)

    original = rescued(sound)[0]
    hurt = [run_id for run_id, document in documents.items() if document != original[run_id]]
    assert 1 <= len(hurt) <= 4
    assert len(documents) >= RUNS - 1
    lost = sum(len(run["events"]) for run in original.values()) - sum(len(run["events"]) for run in documents.values())
    assert 1 <= lost <= 20
    assert all(documents[run_id]["complete"] is False for run_id in hurt)
    assert all(any(run_id in loss and "lost" in loss for loss in losses) for run_id in hurt)
    assert findings


def test_a_lost_row_leaves_history_and_id(journal: Path):
    """When rows of `runs` are lost their histories are still there, with the ids that the index has kept."""
    page = pages_of(journal, "runs")[0]
    spoil(journal, lambda data: data.__setitem__(slice((page - 1) * PAGE, page * PAGE), bytes(PAGE)))

    documents, losses, _ = rescued(journal)

    assert sorted(documents) == [f"r{index:03}" for index in range(RUNS)]
    nameless = [document for document in documents.values() if document["workflow"] is None]
    assert nameless
    assert all(document["complete"] for document in nameless)
    assert replay(nameless[0], count).events == len(nameless[0]["events"])
    assert any("its row cannot be read" in loss for loss in losses)


@pytest.mark.parametrize("width", [16, 100, PAGE])
def test_a_damaged_first_page_is_replaced(journal: Path, sound: Path, width: int):
    """With the magic, the header or the whole first page gone, every run is still read."""
    spoil(journal, lambda data: data.__setitem__(slice(0, width), bytes(width)))

    documents, losses, findings = rescued(journal)

    assert losses == []
    assert documents == rescued(sound)[0]
    assert any("first page" in finding for finding in findings)


def test_an_unreadable_event_is_left_out_and_named(journal: Path):
    """An event whose JSON is broken is lost alone."""
    raw = journal.read_bytes()
    at = raw.index(b'{"type":"step_completed"')
    spoil(journal, lambda data: data.__setitem__(at + 8, data[at + 8] ^ 0x20))

    documents, losses, _ = rescued(journal)

    (broken,) = [document for document in documents.values() if not document["complete"]]
    (loss,) = losses
    assert broken["run_id"] in loss
    assert "position" in loss
    assert len(documents) == RUNS


@pytest.mark.parametrize("word", [b"historyhistory", b"position INTEGER NOT NULL", b"workflow    TEXT"])
def test_damaged_names_in_the_first_page_are_mended(journal: Path, sound: Path, word: bytes):
    """Where the names of tables and columns are spoilt, every run is still read."""
    at = journal.read_bytes().index(word)
    spoil(journal, lambda data: data.__setitem__(at, 0xE9))

    documents, losses, findings = rescued(journal)

    assert losses == []
    assert documents == rescued(sound)[0]
    assert any("first page" in finding for finding in findings)


@pytest.mark.parametrize("seed", range(12))
def test_flipped_bits_anywhere_never_stop_the_rescue(journal: Path, sound: Path, seed: int):
    """Fifty random bits: the rescue ends, leaves the file alone, and what it calls complete has no holes."""
    dice = random.Random(seed)

    def flip(data: bytearray) -> None:
        for _ in range(50):
            data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)

    spoil(journal, flip)

    documents, losses, findings = rescued(journal)

    original = rescued(sound)[0]
    assert losses or findings or documents != original
    assert len(documents) > RUNS // 3
    for document in documents.values():
        if document["complete"]:
            assert [event["position"] for event in document["events"]] == list(range(len(document["events"])))


def test_a_newer_journal_is_read_with_events_it_alone_knows(journal: Path):
    """A journal of a newer format keeps its unknown columns, kinds of events and all; the report says it is newer."""
    with closing(sqlite3.connect(journal, isolation_level=None)) as connection:
        connection.execute("PRAGMA user_version = 99")
        connection.execute("ALTER TABLE runs ADD COLUMN colour TEXT DEFAULT 'blue'")
        connection.execute(
            "INSERT INTO history (run, position, event) VALUES (2, 999, ?)",
            (b'{"type":"dream_dreamt","time":7,"of":["electric","sheep"]}',),
        )

    documents, losses, findings = rescued(journal)

    assert (losses, findings) == ([], [])
    assert documents["r001"]["events"][-1] == {
        "position": 999,
        "event": {"type": "dream_dreamt", "time": 7, "of": ["electric", "sheep"]},
    }
    report = check_journal(journal)
    assert (report.is_newer, report.format_version) == (True, 99)


def test_pages_are_read_with_the_columns_of_the_schema(sound: Path):
    """What is read from bare pages goes by the places of columns, which are those of the journal's tables."""
    with closing(sqlite3.connect(sound)) as connection:
        runs = [column[1] for column in connection.execute("PRAGMA table_info(runs)")]
        history = [column[1] for column in connection.execute("PRAGMA table_info(history)")]

    assert tuple(runs[1 : len(_RUN_COLUMNS) + 1]) == _RUN_COLUMNS
    assert history == ["run", "position", "event"]


def test_what_is_no_journal_is_refused(tmp_path: Path):
    """A text, an empty file, another program's database and a missing file are told apart from damage."""
    (tmp_path / "text.db").write_text("once upon a time " * 1000)
    (tmp_path / "empty.db").touch()
    with closing(sqlite3.connect(tmp_path / "other.db")) as connection:
        connection.execute("CREATE TABLE recipes (name TEXT)")

    for name in ("text.db", "empty.db", "other.db"):
        with pytest.raises(JournalCorruptError, match=name):
            check_journal(tmp_path / name)
    with pytest.raises(JournalError, match=r"none\.db"):
        check_journal(tmp_path / "none.db")


async def test_a_journal_in_use_is_refused(tmp_path: Path):
    """While an engine has a journal open the rescue keeps away from it, and names the process."""
    path = tmp_path / "journal.db"
    async with WorkflowEngine(f"sqlite:///{path}", workflows=[count]):
        with pytest.raises(JournalLockedError) as caught:
            check_journal(path)
    assert caught.value.pid == os.getpid()


KILLED = """
    import asyncio, os, signal, sys
    from maestro_workflow_engine import WorkflowEngine, receive, workflow

    @workflow
    async def waits() -> str:
        return await receive("go")

    async def main() -> None:
        async with WorkflowEngine(sys.argv[1], workflows=[waits]) as engine:
            for index in range(20):
                await engine.start(waits, id=f"k{index:02}")
            os.kill(os.getpid(), signal.SIGKILL)

    asyncio.run(main())
"""


@pytest.fixture
def killed(tmp_path: Path) -> Path:
    """A journal whose engine was killed: its runs are in the write-ahead log only."""
    path = tmp_path / "journal.db"
    script = tmp_path / "killed.py"
    script.write_text(textwrap.dedent(KILLED))
    done = subprocess.run([sys.executable, str(script), f"sqlite:///{path}"], check=False, capture_output=True)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    return path


def test_the_write_ahead_log_of_a_killed_engine_is_read(killed: Path):
    """What a killed engine had acknowledged is read from the log beside the journal, which stays as it is."""
    documents, losses, findings = rescued(killed)

    assert (losses, findings) == ([], [])
    assert sorted(documents) == [f"k{index:02}" for index in range(20)]


@pytest.mark.parametrize("where", [0.0, 0.5])
def test_a_damaged_write_ahead_log_is_reported(killed: Path, where: float):
    """SQLite stops in silence at a frame that does not add up; the report says that commits are lost."""
    log = killed.with_name("journal.db-wal")
    spoil(log, lambda data: data.__setitem__(int(len(data) * where) + 8, data[int(len(data) * where) + 8] ^ 1))

    if where == 0.0:
        with pytest.raises(JournalError):  # all of this young journal was in the log
            check_journal(killed)
        return
    documents, losses, _ = rescued(killed)
    assert 0 < len(documents) < 20
    assert any("write-ahead log is damaged" in loss for loss in losses)
