"""One journal, one engine: whatever the second one calls the file, it is refused and told who has it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from maestro_workflow_engine import JournalError, JournalLockedError, WorkflowEngine

OPEN = textwrap.dedent(
    """
    import asyncio, sys
    from maestro_workflow_engine import JournalError, WorkflowEngine

    async def main() -> None:
        try:
            async with WorkflowEngine(sys.argv[1]):
                print("open", flush=True)
                await asyncio.to_thread(sys.stdin.read)
        except JournalError as error:
            print(error.code, getattr(error, "pid", None), error, flush=True)

    asyncio.run(main())
    """
)


def opened(url: str, folder: Path | None = None) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", OPEN, url], cwd=folder, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_a_second_process_is_refused_by_name_and_pid_under_every_name(tmp_path: Path):
    """Absolute, relative, by symbolic link, by a link to the folder: JournalLockedError with the holder's process id."""
    (tmp_path / "real").mkdir()
    journal = tmp_path / "real" / "journal.db"
    first = opened(f"sqlite:///{journal}")
    assert said(first) == "open"
    (tmp_path / "link.db").symlink_to(journal)
    (tmp_path / "folder").symlink_to(tmp_path / "real")
    names = [
        (f"sqlite:///{journal}", None),
        ("sqlite:///journal.db", tmp_path / "real"),
        ("sqlite:///real/../real/journal.db", tmp_path),
        (f"sqlite:///{tmp_path}/link.db", None),
        (f"sqlite:///{tmp_path}/folder/journal.db", None),
    ]
    for url, folder in names:
        second = opened(url, folder)
        line = said(second)
        assert line.startswith(f"JOURNAL_LOCKED {first.pid} "), (url, line)
        assert f"process {first.pid}" in line
        second.communicate()
    first.send_signal(signal.SIGKILL)
    first.communicate()
    third = opened(f"sqlite:///{tmp_path}/link.db")
    assert said(third) == "open"
    third.communicate("")


async def test_a_file_with_two_names_is_refused(tmp_path: Path):
    """Hard links would give one file two logs: neither name is opened while there are two, and nothing is changed."""
    journal, other = tmp_path / "journal.db", tmp_path / "other.db"
    async with WorkflowEngine(f"sqlite:///{journal}"):
        os.link(journal, other)
        with pytest.raises(JournalError, match="2 names"):
            await WorkflowEngine(f"sqlite:///{other}").__aenter__()
    content = journal.read_bytes()
    with pytest.raises(JournalError, match="hard links"):
        await WorkflowEngine(f"sqlite:///{journal}").__aenter__()
    assert journal.read_bytes() == content
    other.unlink()
    async with WorkflowEngine(f"sqlite:///{journal}"):
        with pytest.raises(JournalLockedError) as caught:
            await WorkflowEngine(f"sqlite:///{journal}").__aenter__()
        assert caught.value.pid == os.getpid()
