"""Starts that cannot succeed end at once, say why, and touch nothing."""

from pathlib import Path
from typing import Protocol


class Process(Protocol):
    log: Path

    @property
    def url(self) -> str: ...
    def exit_status(self) -> int: ...
    def terminate(self) -> int: ...


class Start(Protocol):
    def __call__(self, **settings: str) -> Process: ...


def test_a_corrupt_persona_stops_the_start(start: Start, tmp_path: Path) -> None:
    """A persona file with faults ends the start with status 78, naming the file and the line of each fault."""
    folder = tmp_path / "config" / "personas"
    folder.mkdir(parents=True)
    (folder / "oracle.yaml").write_text("name: oracle\ntitle: [no, text]\n")
    process = start()
    assert process.exit_status() == 78
    told = process.log.read_text()
    assert "config/personas/oracle.yaml:2: title: must be text" in told
    assert "config/personas/oracle.yaml:1: system_prompt: is missing" in told
    assert "Traceback" not in told


def test_a_damaged_journal_stops_the_start_and_stays_as_it_is(start: Start, tmp_path: Path) -> None:
    """A journal that is none ends the start with an error that names it; not a byte of it is changed."""
    journal = tmp_path / "data" / "maestro-orchestrator" / "runs.db"
    journal.parent.mkdir(parents=True)
    journal.write_bytes(b"this is no journal " * 100)
    process = start()
    assert process.exit_status() == 70
    assert "JOURNAL_CORRUPT" in process.log.read_text()
    assert str(journal) in process.log.read_text()
    assert journal.read_bytes() == b"this is no journal " * 100


def test_a_second_orchestrator_on_the_same_data_does_not_start(start: Start) -> None:
    """While one runs, another on its journal ends with an error that says so; the first goes on."""
    first = start()
    assert first.url
    second = start()
    assert second.exit_status() == 70
    assert "JOURNAL_LOCKED" in second.log.read_text()
    assert first.terminate() == 0
