"""A journal that is cut off, flipped or from the future: refused by name, left as it is, and what can be read is rescued."""

from __future__ import annotations

import hashlib
import random
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from fault_load.bounds import IS_LONG
from fault_load.kinds import KINDS
from fault_load.nursery_client import Nursery
from fault_load.record import Record
from fault_load.site import Site
from fault_load.steps import set_place

from maestro_workflow_engine import (
    JournalCorruptError,
    JournalError,
    JournalVersionError,
    WorkflowEngine,
    rescue_journal,
)

WORKFLOWS = [definition for kind in KINDS for definition in kind.workflows(new_code=False)]
SEEDS = range(40) if IS_LONG else range(3)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory, nursery: Nursery) -> Path:
    """The journal of a worker that was killed under load, with its log."""
    site = Site(tmp_path_factory.mktemp("sound") / "site", nursery)
    worker = site.begin()
    while len(site.lines()) < 600:
        pass
    worker.kill()
    return site.journal


@pytest.fixture(autouse=True)
def _place(tmp_path: Path) -> None:
    (tmp_path / "traces").mkdir()
    set_place(tmp_path / "traces", Record(tmp_path / "traces" / "record"))


@pytest.fixture
def journal(sound: Path, tmp_path: Path) -> Path:
    for suffix in ("", "-wal"):
        shutil.copyfile(f"{sound}{suffix}", tmp_path / f"journal.db{suffix}")
    return tmp_path / "journal.db"


def settle(journal: Path) -> None:
    """Bring what is in the log into the file."""
    with closing(sqlite3.connect(journal)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def digest(journal: Path) -> dict[str, str]:
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in journal.parent.iterdir()
        if path.name in {"journal.db", "journal.db-wal"} and path.stat().st_size
    }


async def refusal(journal: Path) -> JournalError | None:
    """Try to open it."""
    try:
        async with WorkflowEngine(f"sqlite:///{journal}", workflows=WORKFLOWS):
            return None
    except JournalError as error:
        return error


def spoil(path: Path, dice: random.Random, flips: int, span: int | None = None) -> None:
    data = bytearray(path.read_bytes())
    for _ in range(flips):
        data[dice.randrange(span or len(data))] ^= 1 << dice.randrange(8)
    path.write_bytes(data)


def export(journal: Path, words: list[str]) -> None:
    folder = journal.parent / "-".join(words)
    command = [sys.executable, "-m", "maestro_cli", *words, "export", str(journal), "--output", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len(list(folder.iterdir())) > 10


def cut_off(path: Path, keep: float) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: max(100, int(len(data) * keep))])


def rescued(journal: Path) -> tuple[list[dict[str, Any]], bool]:
    """Return what the rescue reads, and whether it calls the journal sound."""
    try:
        with rescue_journal(journal) as rescue:
            return list(rescue.runs()), rescue.report.is_sound
    except JournalError as error:
        check_names(error, journal)
        return [], False


def check_names(error: JournalError, journal: Path) -> None:
    assert str(journal) in str(error)


def check_refused(error: JournalError, before: dict[str, str], journal: Path) -> None:
    assert digest(journal) == before, error
    check_names(error, journal)
    if isinstance(error, JournalCorruptError):
        assert "nothing was changed" in str(error)


@pytest.mark.parametrize("keep", [0.0001, 0.02, 0.3, 0.7, 0.99])
async def test_a_journal_that_is_cut_off_is_refused_and_rescued(journal: Path, keep: float):
    """Cut at any place: the error says so and what to do, the file stays as it is, whole runs come out of it."""
    settle(journal)
    cut_off(journal, keep)
    before = digest(journal)
    error = await refusal(journal)
    assert isinstance(error, JournalCorruptError)
    assert "maestro workflow journal" in str(error)
    check_refused(error, before, journal)
    if keep >= 0.3:
        with rescue_journal(journal) as rescue:
            found = list(rescue.runs())
            assert found or keep < 0.7  # a third of the file may hold the way to no run at all
            assert not rescue.report.is_sound
        assert digest(journal) == before


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("where", ["header", "anywhere", "one bit"])
async def test_flipped_bits_are_never_written_over(journal: Path, where: str, seed: int):
    """Either the engine refuses and changes nothing, or what it can still read goes on; the rescue always ends."""
    settle(journal)
    dice = random.Random(f"{where} {seed}")
    flips, span = {"header": (3, 100), "anywhere": (40, None), "one bit": (1, None)}[where]
    spoil(journal, dice, flips, span)
    before = digest(journal)
    runs, _ = rescued(journal)
    assert digest(journal) == before
    error = await refusal(journal)
    if error is not None:
        check_refused(error, before, journal)
    else:
        assert runs  # what an engine can open, the rescue can read


@pytest.mark.parametrize("seed", SEEDS)
async def test_a_flipped_log_is_cut_where_it_does_not_add_up(journal: Path, seed: int):
    """SQLite drops a damaged log from the first bad frame on: the journal opens as it was before, or is refused; the report tells."""
    log = journal.with_name("journal.db-wal")
    spoil(log, random.Random(seed), 5)
    before = digest(journal)
    _, is_sound = rescued(journal)
    assert not is_sound
    assert digest(journal) == before
    error = await refusal(journal)
    if error is not None:
        check_refused(error, before, journal)


async def test_a_newer_journal_is_refused_and_can_be_exported(journal: Path):
    """A journal of a later release: the error names both formats; check and export work on the command line."""
    settle(journal)
    with closing(sqlite3.connect(journal)) as connection:
        connection.execute("PRAGMA user_version = 99")
    settle(journal)
    before = digest(journal)
    error = await refusal(journal)
    assert isinstance(error, JournalVersionError)
    assert "Upgrade" in str(error)
    check_refused(error, before, journal)
    for words in (["journal"], ["workflow", "journal"]):
        export(journal, words)
    assert digest(journal) == before


async def test_one_unreadable_event_stops_one_run(journal: Path):
    """Where SQLite finds nothing wrong, a spoilt event stops its own run, which says so; the others go on."""
    settle(journal)
    with closing(sqlite3.connect(journal, isolation_level=None)) as connection:
        key, run = connection.execute(
            "SELECT key, id FROM runs WHERE status = 'running' AND parent_key IS NULL LIMIT 1"
        ).fetchone()
        connection.execute("UPDATE history SET event = x'7bff7d' WHERE run = ? AND position = 0", (key,))
        others = [
            other
            for (other,) in connection.execute("SELECT id FROM runs WHERE status = 'running' AND workflow = 'patched'")
            if other != run
        ]
    async with WorkflowEngine(f"sqlite:///{journal}", workflows=WORKFLOWS) as engine:
        problem = (await engine.handle(run).status()).problem
        assert problem is not None
        assert f"run {run!r}" in problem
        assert "maestro workflow journal check" in problem
        for other in others:
            assert await engine.handle(other).result()
