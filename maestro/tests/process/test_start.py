"""Starts that cannot succeed end at once, say why, and touch nothing."""

from pathlib import Path
from typing import Protocol


class Process(Protocol):
    log: Path

    def exit_status(self) -> int: ...


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
