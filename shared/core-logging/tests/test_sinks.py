from __future__ import annotations

import io
import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from maestro_core_logging import configure_logging, get_logger
from maestro_core_logging._sinks import Sink


class Disk(io.StringIO):
    """A stream that can be full."""

    is_full = False

    def write(self, text: str, /) -> int:
        if self.is_full:
            raise OSError(28, "No space left on device")
        return super().write(text)


def test_a_full_disk_does_not_stop_the_service_and_is_told_afterwards() -> None:
    """Lines are lost while nothing can be written; how many is the first thing said when it can."""
    disk = Disk()
    configure_logging("s", "json", stream=disk)
    disk.is_full = True
    for number in range(3):
        get_logger().info("lost", number=number)
    disk.is_full = False
    get_logger().info("back")
    lines = [json.loads(line) for line in disk.getvalue().splitlines()]
    assert [(line["event"], line.get("lines")) for line in lines] == [("back", None), ("Log lines were lost", 3)]


def test_a_device_that_is_always_full_harms_nobody() -> None:
    """The same with a real file."""
    with Path("/dev/full").open("w") as full:
        configure_logging("s", "json", stream=full)
        for _ in range(100):
            get_logger().info("lost")


def dropped(stream: Any) -> int:
    sink = Sink(stream)
    sink.write(b"a\n", "info")
    return sink.dropped


def test_a_closed_stream_or_pipe_harms_nobody(tmp_path: Path) -> None:
    """Streams that are gone lose lines, and a closed file's number is not used for another file."""
    closed = (tmp_path / "closed").open("w")
    sink = Sink(closed)
    sink.write(b"a\n", "info")
    closed.close()
    with (tmp_path / "other").open("w"):
        sink.write(b"b\n", "info")
    assert (sink.written, sink.dropped) == (1, 1)
    assert (tmp_path / "other").read_text() == ""
    text = io.StringIO()
    text.close()
    assert dropped(text) == 1
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as pipe:
        assert dropped(pipe) == 1


def test_lines_of_many_threads_are_not_mixed() -> None:
    """Each line is written in one piece, long ones to a pipe that fills up too."""
    reader, writer = os.pipe()
    found: list[str] = []

    def drain() -> None:
        with os.fdopen(reader) as stream:
            found.extend(stream)

    drainer = threading.Thread(target=drain)
    drainer.start()
    with os.fdopen(writer, "w") as pipe:
        sink = Sink(pipe)
        writers = [
            threading.Thread(
                target=lambda n=n: [sink.write(str(n).encode() * 20_000 + b"\n", "info") for _ in range(20)]
            )
            for n in range(4)
        ]
        for thread in writers:
            thread.start()
        for thread in writers:
            thread.join()
        assert sink.flush(60)
    drainer.join()
    assert sorted(found) == sorted(f"{str(n) * 20_000}\n" for n in range(4) for _ in range(20))


def test_a_line_that_was_torn_does_not_spoil_the_next(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """When half a line was written before the disk was full, the next begins on a line of its own."""
    write, room = os.write, 3

    def narrow(file: int, data: Any) -> int:
        nonlocal room
        if room == 0:
            raise OSError(28, "No space left on device")
        written = write(file, bytes(data)[:room])
        room -= written
        return written

    with (tmp_path / "log").open("w") as file:
        sink = Sink(file)
        monkeypatch.setattr(os, "write", narrow)
        sink.write(b"abcdef\n", "info")
        assert (sink.written, sink.dropped) == (0, 1)
        monkeypatch.setattr(os, "write", write)
        sink.write(b"ghi\n", "info")
        sink.write(b"jkl\n", "info")
    assert (tmp_path / "log").read_text() == "abc\nghi\njkl\n"


def test_a_line_that_is_written_in_parts_is_whole(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A system call may take less than it was given."""
    write = os.write
    monkeypatch.setattr(os, "write", lambda file, data: write(file, bytes(data)[:2]))
    with (tmp_path / "log").open("w") as file:
        Sink(file).write(b"abcdefg\n", "info")
    assert (tmp_path / "log").read_text() == "abcdefg\n"
