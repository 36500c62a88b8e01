from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from dependency_review import ReportWriteError
from dependency_review._files import write_together


def test_files_and_folders_are_made(tmp_path: Path) -> None:
    """Files are written with the folders they need, and nothing else is left behind."""
    write_together({tmp_path / "a" / "x": "one\n", tmp_path / "b" / "y": "zw\xf6lf\n"})
    assert (tmp_path / "a" / "x").read_bytes() == b"one\n"
    assert (tmp_path / "b" / "y").read_bytes() == "zw\xf6lf\n".encode()
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["x"]


def test_full_disk_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the disk is full at the second file both old files stay as they were, and the error says why."""
    first, second = tmp_path / "first", tmp_path / "second"
    write_together({first: "old", second: "old"})
    calls = iter([None, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))])

    def fsync(_: int) -> None:
        error = next(calls)
        if error is not None:
            raise error

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(ReportWriteError, match="No space left on device") as caught:
        write_together({first: "new", second: "new"})
    assert caught.value.code == "REPORT_WRITE"
    assert caught.value.path == str(second)
    assert (first.read_text(), second.read_text()) == ("old", "old")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["first", "second"]


def test_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    """Where a file stands in the folder's place the error names the path."""
    (tmp_path / "taken").write_text("x")
    with pytest.raises(ReportWriteError, match="taken"):
        write_together({tmp_path / "taken" / "report": "text"})
