import fcntl
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from maestro_cli.cli import cli
from maestro_workflow_engine import WorkflowEngine, receive, workflow


@workflow
async def ask(what: str) -> str:
    return what + str(await receive("answer"))


@pytest.fixture
async def journal(tmp_path: Path) -> Path:
    path = tmp_path / "journal.db"
    async with WorkflowEngine(f"sqlite:///{path}", workflows=[ask]) as engine:
        for index in range(40):
            handle = await engine.start(ask, "x" * 500, id=f"q{index:02}")
            await handle.signal("answer", "y")
            await handle.result()
    return path


def cut(path: Path) -> bytes:
    """Cut a file off; return what is left."""
    left = path.read_bytes()[: path.stat().st_size * 4 // 5]
    path.write_bytes(left)
    return left


def test_a_sound_journal(journal: Path) -> None:
    """A sound journal is said to be sound, and exported whole."""
    checked = CliRunner().invoke(cli, ["journal", "check", str(journal)])
    exported = CliRunner().invoke(cli, ["journal", "export", str(journal)])

    assert (checked.exit_code, exported.exit_code) == (0, 0)
    assert "sound" in checked.stdout
    files = sorted((journal.parent / "journal.db.export").iterdir())
    assert [file.name for file in files] == [f"q{index:02}.json" for index in range(40)]
    assert json.loads(files[0].read_text())["events"][0]["event"]["input"] == "x" * 500


def test_a_damaged_journal(journal: Path) -> None:
    """What is lost of a damaged journal is told with exit code 1, what is left is exported, the file stays as it is."""
    left = cut(journal)

    checked = CliRunner().invoke(cli, ["journal", "check", str(journal), "--json"])
    exported = CliRunner().invoke(cli, ["journal", "export", str(journal), "-o", str(journal.parent / "out")])

    assert (checked.exit_code, exported.exit_code) == (1, 1)
    report = json.loads(checked.stdout)
    assert (report["sound"], bool(report["losses"]), bool(report["findings"])) == (False, True, True)
    assert "maestro workflow journal export" in checked.stderr
    assert "Lost" in exported.stdout
    documents = [json.loads(file.read_text()) for file in (journal.parent / "out").iterdir()]
    assert len(documents) == report["runs"]
    assert {document["complete"] for document in documents} == {True, False}
    assert journal.read_bytes() == left


def test_what_cannot_be_read_or_written(journal: Path, tmp_path: Path) -> None:
    """What is no journal ends with exit code 1, a folder that is not empty with 2; nothing is overwritten."""
    text = tmp_path / "text.db"
    text.write_text("no journal")
    full = tmp_path / "full"
    full.mkdir()
    (full / "q00.json").write_text("mine")

    for command in ("check", "export"):
        done = CliRunner().invoke(cli, ["journal", command, str(text)])
        assert done.exit_code == 1
        assert "no journal" in done.stderr
    refused = CliRunner().invoke(cli, ["journal", "export", str(journal), "-o", str(full)])
    assert refused.exit_code == 2
    assert (full / "q00.json").read_text() == "mine"


def test_a_journal_is_compacted(journal: Path) -> None:
    """Both sizes are told, the runs are all there."""
    done = CliRunner().invoke(cli, ["journal", "compact", str(journal), "--json"])

    assert done.exit_code == 0
    report = json.loads(done.stdout)
    assert report["after_bytes"] == journal.stat().st_size
    assert "Now" in CliRunner().invoke(cli, ["journal", "compact", str(journal)]).stdout
    checked = CliRunner().invoke(cli, ["journal", "check", str(journal), "--json"])
    assert (json.loads(checked.stdout)["sound"], json.loads(checked.stdout)["runs"]) == (True, 40)


def test_a_journal_that_cannot_be_compacted(journal: Path) -> None:
    """The reason is told with exit code 1, and nothing is changed."""
    with journal.with_name("journal.db.lock").open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        locked = CliRunner().invoke(cli, ["journal", "compact", str(journal)])
    left = cut(journal)
    damaged = CliRunner().invoke(cli, ["journal", "compact", str(journal)])

    assert (locked.exit_code, damaged.exit_code) == (1, 1)
    assert "maestro journal export" in damaged.stderr
    assert journal.read_bytes() == left


async def test_orphans_are_listed(tmp_path: Path) -> None:
    """What a journal refers to is no orphan; what nobody knows is; a store that others use cannot be judged."""
    store = tmp_path / "store"
    path = tmp_path / "stored.db"
    options: dict[str, Any] = {"payload_store": f"file://{store}", "payload_limit_bytes": 100}
    async with WorkflowEngine(f"sqlite:///{path}", workflows=[ask], **options) as engine:
        await engine.start(ask, "x" * 500)
    known = next(file.name for file in (store / "sha256").glob("*/*"))
    (store / "sha256" / "00").mkdir()
    (store / "sha256" / "00" / ("0" * 64)).write_bytes(b"left behind")
    command = ["journal", "orphans", str(path), f"file://{store}"]

    def invoke(*more: str) -> Result:
        with ThreadPoolExecutor() as pool:  # the command has an event loop of its own
            return pool.submit(CliRunner().invoke, cli, [*command, *more]).result()

    listed, as_json = invoke(), invoke("--json")
    (store / "journals" / "another").write_bytes(b"")
    shared = invoke()

    assert (listed.exit_code, as_json.exit_code, shared.exit_code) == (0, 0, 1)
    assert listed.stdout.split() == ["0" * 64] == json.loads(as_json.stdout)["orphans"]
    assert known not in listed.stdout
    assert "other journals" in shared.stderr


def test_a_cluster_has_no_journal(tmp_path: Path) -> None:
    """Whoever asks for the journal of a cluster, or of an environment on one, is told what to use instead."""
    address = "temporal://127.0.0.1:7233/default"
    environ = {"MAESTRO_ORCHESTRATOR_ENGINE_URL": address}

    named = CliRunner().invoke(cli, ["journal", "check", address])
    missing = CliRunner().invoke(cli, ["--home", str(tmp_path), "journal", "check", "runs.db"], env=environ)
    elsewhere = CliRunner().invoke(cli, ["--home", str(tmp_path), "journal", "check", "runs.db"])

    assert (named.exit_code, missing.exit_code, elsewhere.exit_code) == (2, 2, 2)
    assert "is a Temporal cluster, which has no journal file" in named.stderr
    assert f"the runs of this environment are on {address}" in missing.stderr.replace("\n", " ")
    assert "maestro workflow list" in named.stderr
    assert "maestro workflow list" in missing.stderr
    assert "temporal" not in elsewhere.stderr
