"""What a real process keeps through its own death."""

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any, Protocol

from maestro_core_api import APIClient, ClientConfig, issue_token

SECRET = "a-secret-of-at-least-thirty-two-bytes"
RUNS = 12
STEPS = """
from pathlib import Path

from maestro_workflow_engine import step


@step
def note(file: str, line: str) -> str:
    with Path(file).open("a") as notes:
        notes.write(f"{line}\\n")
    return line
"""
# The first note is taken before the process dies, the second only after the signal that comes when it lives again.
DOCUMENT = """
document: {dsl: '1.0.3', namespace: tests, name: two-notes, version: 1.0.0}
do:
  - before: {call: note, with: {file: '${ .file }', line: '${ "before " + $workflow.id }'}, output: {as: $workflow.input}}
  - rest: {wait: {seconds: 2}}
  - after: {call: note, with: {file: '${ .file }', line: '${ "after " + $workflow.id }'}}
"""


class Process(Protocol):
    @property
    def url(self) -> str: ...
    def kill(self) -> None: ...
    def terminate(self) -> int: ...


class Start(Protocol):
    def __call__(self, **settings: str) -> Process: ...


def _client(process: Process) -> APIClient:
    token = issue_token(SECRET, subject="tests", roles=["operator"])
    return APIClient(process.url, token=token, config=ClientConfig(circuit=None))


async def _all(client: APIClient, status: str) -> dict[str, dict[str, Any]]:
    """Wait until every run stands there."""
    async with asyncio.timeout(60):
        while True:
            listed = (await client.get("/runs", params={"status": status})).json()["runs"]
            if len(listed) == RUNS:
                return {run["id"]: run for run in listed}
            await asyncio.sleep(0.05)


async def test_runs_survive_the_death_of_the_process(start: Start, tmp_path: Path) -> None:
    """After SIGKILL a new process on the same data knows the document and completes every run, no step twice."""
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules" / "survivor_steps.py").write_text(STEPS)
    notes = tmp_path / "notes"
    notes.touch()
    first = start(workflow_modules='["survivor_steps"]')
    async with _client(first) as client:
        await client.put("/workflows/tests/two-notes/1.0.0", content=DOCUMENT)
        for number in range(RUNS):
            await client.post(
                "/runs", json={"workflow": "tests/two-notes", "id": f"r{number}", "input": {"file": str(notes)}}
            )
        async with asyncio.timeout(60):
            while len([1 for line in notes.read_text().splitlines() if line.startswith("before")]) < RUNS:
                await asyncio.sleep(0.01)
            # A note that was written may not be journalled yet, and then its step runs again: wait for the journal.
            for number in range(RUNS):
                while len((await client.get(f"/runs/r{number}/history")).json()["events"]) < 2:
                    await asyncio.sleep(0.01)
        assert "after r" not in notes.read_text()
    first.kill()

    second = start(workflow_modules='["survivor_steps"]')
    async with _client(second) as client:
        runs = await _all(client, "completed")
        for number in range(RUNS):
            assert runs[f"r{number}"]["workflow"] == "tests/two-notes"
        again = await client.put("/workflows/tests/two-notes/1.0.0", content=DOCUMENT)
        assert again.status_code == 200
    assert second.terminate() == 0
    expected = Counter({f"{when} r{number}": 1 for when in ("before", "after") for number in range(RUNS)})
    assert Counter(notes.read_text().splitlines()) == expected


async def test_an_open_stream_does_not_hold_up_the_stop(start: Start) -> None:
    """SIGTERM ends the process with status 0 while a client follows a run that waits; the stream ends cleanly."""
    process = start()
    async with _client(process) as client:
        wait = "{dsl: '1.0.3', namespace: tests, name: sleeper, version: 1.0.0}\ndo: [{rest: {wait: {hours: 1}}}]"
        await client.put("/workflows/tests/sleeper/1.0.0", content=f"document: {wait}")
        await client.post("/runs", json={"workflow": "tests/sleeper", "id": "r"})
        events = client.stream_events("/runs/r/events")
        async with asyncio.timeout(60):
            assert (await anext(events)).event == "run_started"
            stopped = asyncio.create_task(asyncio.to_thread(process.terminate))
            assert [event.event async for event in events] == []
            assert await stopped == 0
