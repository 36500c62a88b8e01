"""Starts that cannot succeed end at once, say why, and touch nothing."""

from pathlib import Path
from typing import Protocol

NOBODY = "temporal://127.0.0.1:9/default"


class Process(Protocol):
    log: Path

    def exit_status(self) -> int: ...
    def terminate(self) -> int: ...
    def wait_for_line(self, event: str) -> dict[str, str]: ...


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


def test_a_cluster_that_is_not_there_stops_the_start(start: Start) -> None:
    """The start waits for its time, and ends with one line that says who cannot be reached, and why."""
    process = start(engine_url=NOBODY, engine_wait_s="1")
    assert process.exit_status() == 70
    told = process.log.read_text()
    reason = "the Temporal cluster at 127.0.0.1:9 cannot be reached: connection refused; is it running?"
    assert told.splitlines()[-1] == f"maestro-orchestrator: the service could not start: {reason}"
    assert f'"event":"Orchestrator cannot start","reason":"{reason}"' in told
    assert "Traceback" not in told


def test_a_stop_does_not_wait_for_the_cluster(start: Start) -> None:
    """SIGTERM ends a start that waits at once, with status 0."""
    process = start(engine_url=NOBODY, engine_wait_s="3000")
    process.wait_for_line("Waiting for the Temporal cluster")
    assert process.terminate() == 0
    assert "Traceback" not in process.log.read_text()
