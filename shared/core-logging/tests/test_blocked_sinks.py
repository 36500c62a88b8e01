from __future__ import annotations

import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, TextIO

import pytest

from maestro_core_logging import Delivery, configure_logging, flush_logs, get_logger, log_statistics
from maestro_core_logging._outlet import OUTLET
from maestro_core_logging._sinks import Sink


@contextmanager
def pipe() -> Iterator[tuple[int, TextIO]]:
    """A small pipe: its reading end, and a stream that writes."""
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4_096)
    try:
        with os.fdopen(writer, "w") as stream:
            yield reader, stream
    finally:
        os.close(reader)


def read_lines(reader: int, until: Any) -> list[dict[str, Any]]:
    """Read until a line says so."""
    text = b""
    while True:
        text += os.read(reader, 65_536)
        whole = text[: text.rfind(b"\n") + 1]
        lines = [json.loads(line) for line in whole.splitlines()]
        if any(until(line) for line in lines):
            return lines


def test_a_reader_that_stands_still_does_not_stop_the_service() -> None:
    """What a full pipe does not take waits in order, and arrives whole when it is read again."""
    with pipe() as (reader, stream):
        configure_logging("s", "json", stream=stream)
        for number in range(500):
            get_logger().info("line", number=number, text="x" * 100)
        assert log_statistics().waiting > 0
        assert not flush_logs(timedelta(milliseconds=1))
        lines = read_lines(reader, lambda line: line.get("number") == 499)
        assert [line["number"] for line in lines] == list(range(500))
        assert flush_logs()
        get_logger().info("direct again")
        assert read_lines(reader, lambda line: line["event"] == "direct again")
        statistics = log_statistics()
        assert (statistics.written, statistics.waiting, statistics.dropped) == (501, 0, 0)


@pytest.mark.parametrize("way", ["direct", "thread"])
def test_errors_are_kept_before_debug_lines_and_what_was_lost_is_told(way: Any) -> None:
    """When the buffer is full, lines are dropped by severity, counted, and told once the pipe is read again."""
    with pipe() as (reader, stream):
        configure_logging("s", "json", "DEBUG", stream=stream, delivery=Delivery(way=way, buffer_lines=20))
        for number in range(300):
            get_logger().debug("chatter", number=number, text="x" * 300)
        for number in range(20):
            get_logger().error("failure", number=number)
        lines = read_lines(reader, lambda line: line["event"] == "Log lines were lost")
        told = lines[-1]
        assert [line["number"] for line in lines if line["event"] == "failure"] == list(range(20))
        kept = sum(line["event"] == "chatter" for line in lines)
        assert told["lines"] == 300 - kept == log_statistics().dropped
        assert (told["level"], told["logger"]) == ("warning", "maestro_core_logging")


def test_a_line_longer_than_the_pipe_arrives_whole() -> None:
    """Its beginning is in the pipe, its rest waits, and what comes meanwhile comes after it."""
    with pipe() as (reader, stream):
        configure_logging("s", "json", stream=stream)
        get_logger().info("long", text="x" * 50_000)
        get_logger().info("after")
        lines = read_lines(reader, lambda line: line["event"] == "after")
        assert [len(line.get("text", "")) for line in lines] == [50_000, 0]


def test_a_socket_is_treated_like_a_pipe() -> None:
    """A supervisor's log may be a socket."""
    ours, theirs = socket.socketpair()
    with ours, theirs, os.fdopen(theirs.detach(), "w") as stream:
        configure_logging("s", "json", stream=stream)
        for number in range(3_000):
            get_logger().info("line", number=number, text="x" * 300)
        assert log_statistics().waiting > 0
        lines = read_lines(ours.fileno(), lambda line: line.get("number") == 2_999)
        assert [line["number"] for line in lines] == list(range(3_000))


def test_a_kernel_that_cannot_tell_leaves_pipes_to_the_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before Linux 6.4, and elsewhere, no write to a pipe is tried by whoever logs."""
    monkeypatch.setattr("maestro_core_logging._streams._NO_WAITING", 0)
    with pipe() as (reader, stream):
        configure_logging("s", "json", stream=stream)
        for number in range(300):
            get_logger().info("line", number=number, text="x" * 100)
        lines = read_lines(reader, lambda line: line.get("number") == 299)
        assert [line["number"] for line in lines] == list(range(300))


def test_a_stream_of_one_s_own_that_blocks_can_be_left_to_the_thread() -> None:
    """With `way="thread"`, whoever logs never waits for `write`."""
    gate, arrived = threading.Event(), threading.Event()
    written: list[str] = []

    class Slow:
        def write(self, text: str, /) -> None:
            arrived.set()
            assert gate.wait(60)
            written.append(text)

        def flush(self) -> None:
            pass

    configure_logging("s", "json", stream=Slow(), delivery=Delivery(way="thread"))
    get_logger().info("first")
    assert arrived.wait(60)
    for number in range(100):
        get_logger().info("more", number=number)
    assert written == []
    gate.set()
    assert flush_logs()
    lines = [json.loads(line) for line in "".join(written).splitlines()]
    assert [line.get("number") for line in lines] == [None, *range(100)]
    assert log_statistics().written == 101


def test_a_broken_stream_of_the_thread_loses_lines_and_says_so_later() -> None:
    """A failing stream is no reason to stop, nor to try in circles; what was lost is told when it works again."""
    is_broken, written = True, []

    class Moody:
        def write(self, text: str, /) -> None:
            if is_broken:
                raise OSError(28, "No space left on device")
            written.append(text)

        def flush(self) -> None:
            pass

    configure_logging("s", "json", stream=Moody(), delivery=Delivery(way="thread"))
    for _ in range(3):
        get_logger().info("lost")
        assert flush_logs()
    is_broken = False
    get_logger().info("back")
    assert flush_logs()
    lines = [json.loads(line) for line in "".join(written).splitlines()]
    assert [(line["event"], line.get("lines")) for line in lines] == [("back", None), ("Log lines were lost", 3)]


def test_flags_of_a_shared_pipe_stay_as_they_are() -> None:
    """Other processes write to the same pipe, and expect it to block."""
    with pipe() as (_, stream):
        before = fcntl.fcntl(stream.fileno(), fcntl.F_GETFL)
        Sink(stream).write(b"x\n", "info")
        assert fcntl.fcntl(stream.fileno(), fcntl.F_GETFL) == before


def test_a_new_configuration_delivers_what_waits_to_where_it_went() -> None:
    """Lines of before are not sent to the new stream, nor lost."""
    with pipe() as (reader, stream):
        configure_logging("s", "json", stream=stream)
        for number in range(200):
            get_logger().info("line", number=number, text="x" * 100)
        configure_logging("s", "json", stream=open(os.devnull, "w"))  # noqa: PTH123, SIM115 - closed below
        with OUTLET.sink.stream:
            lines = read_lines(reader, lambda line: line.get("number") == 199)
            assert [line["number"] for line in lines] == list(range(200))


WAITING = """
import fcntl, os, signal, sys, threading
from maestro_core_logging import *
fcntl.fcntl(1, fcntl.F_SETPIPE_SZ, 4096)
configure_logging("s", "json")
for number in range(200):
    get_logger().info("line", number=number, text="x" * 100)
assert log_statistics().waiting
os.write(2, b"ready\\n")
"""


def unbuffered(code: str) -> subprocess.Popen[bytes]:
    """Run a program whose pipes hold back nothing: `communicate` does not see what a reader has taken ahead."""
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0)


@pytest.mark.parametrize(
    ("end", "code", "error"),
    [
        ("", 0, ""),
        ("raise ValueError('token=hunter2')", 1, ""),
        ("sys.exit(3)", 3, ""),
        ("os.kill(os.getpid(), signal.SIGTERM); threading.Event().wait()", -signal.SIGTERM, ""),
        ("raise KeyboardInterrupt", -signal.SIGINT, "KeyboardInterrupt"),
    ],
)
def test_what_waits_is_delivered_when_the_process_ends(end: str, code: int, error: str) -> None:
    """At the end of the program, by an exception, by SIGTERM: the reader gets every line, and the exit status is as ever."""
    process = unbuffered(WAITING + end)
    assert process.stderr is not None
    assert process.stderr.readline() == b"ready\n"
    out, err = process.communicate(timeout=60)
    lines = [json.loads(line) for line in out.splitlines()]
    assert [line["number"] for line in lines if line["event"] == "line"] == list(range(200))
    assert process.returncode == code
    assert (error in err.decode()) if error else err == b""
    crashes = [line for line in lines if line["event"] == "Uncaught exception"]
    assert [line["exception"]["message"] for line in crashes] == (["token=**********"] if "ValueError" in end else [])


def test_the_end_does_not_wait_for_ever() -> None:
    """A reader that never reads delays the end by the time given, and how many lines were left is said on stderr."""
    code = WAITING.replace(
        '"json")', '"json", delivery=Delivery(exit_timeout=__import__("datetime").timedelta(milliseconds=50)))'
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stderr is not None
    assert process.wait(timeout=60) == 0
    assert "log lines could not be written within 0.05 s" in process.stderr.read().decode()
    process.communicate()


def test_a_forked_child_leaves_what_waits_to_its_parent() -> None:
    """Each line arrives once, and the child's own lines arrive."""
    code = WAITING + (
        "child = os.fork()\n"
        "if child == 0:\n    get_logger().info('child'); flush_logs(); os._exit(0)\n"
        "os.waitpid(child, 0)\n"
    )
    process = unbuffered(code)
    assert process.stderr is not None
    assert process.stderr.readline() == b"ready\n"  # until then nobody reads the lines, so that some wait
    out, err = process.communicate(timeout=60)
    lines = [json.loads(line) for line in out.splitlines()]
    assert (process.returncode, err) == (0, b"")
    assert sorted(line.get("number", -1) for line in lines) == [-1, *range(200)]


def test_lines_of_several_processes_on_one_pipe_are_whole(tmp_path: Path) -> None:
    """Workers share a pipe that is full most of the time; lines up to 4 KiB are never mixed."""
    code = (
        "import sys; from maestro_core_logging import *; configure_logging(sys.argv[1], 'json', delivery=Delivery(buffer_lines=10**6))\n"
        "for n in range(500): get_logger().info('line', number=n, text='x' * 900)\n"
    )
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 8_192)
    workers = [subprocess.Popen([sys.executable, "-c", code, name], stdout=writer) for name in ("a", "b", "c")]
    os.close(writer)
    with os.fdopen(reader) as stream:
        lines = [json.loads(line) for line in stream]
    assert [worker.wait(timeout=60) for worker in workers] == [0, 0, 0]
    for name in ("a", "b", "c"):
        assert [line["number"] for line in lines if line["service"] == name] == list(range(500))
