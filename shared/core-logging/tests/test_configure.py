from __future__ import annotations

import io
import logging
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from maestro_core_logging import configure_logging, get_logger


def test_configuring_twice_does_not_double_lines(lines: Any) -> None:
    """The last call wins, for the standard library's loggers too."""
    configure_logging("other", "json", stream=lines)
    logging.getLogger("lib").warning("once")
    get_logger("ours").warning("once")
    assert [line["service"] for line in lines.json()] == ["other", "other"]
    assert "version" not in lines.json()[0]


@pytest.mark.parametrize(
    ("option", "value", "choices"),
    [("log_level", "LOUD", "DEBUG, INFO, WARNING, ERROR, CRITICAL"), ("log_format", "xml", "json, console")],
)
def test_an_unknown_option_names_the_choices(option: str, value: str, choices: str) -> None:
    """A misspelt option says what there is, and changes nothing."""
    handlers = logging.getLogger().handlers[:]
    options: dict[str, Any] = {option: value}
    with pytest.raises(ValueError, match=f"{value}.*choose from {choices}"):
        configure_logging("s", **options)
    assert logging.getLogger().handlers == handlers


def test_json_goes_to_stdout_and_the_console_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    """Machines read stdout; people read stderr, so that a tool's own output stays clean."""
    configure_logging("s", "json")
    get_logger().info("for machines")
    configure_logging("s", "console")
    get_logger().info("for people")
    out, err = capsys.readouterr()
    assert "for machines" in out
    assert "for machines" not in err
    assert "for people" in err
    assert "for people" not in out


def test_a_stream_that_is_exchanged_later_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tools and tests redirect sys.stdout after the log was set up."""
    configure_logging("s", "json")
    first, second = io.StringIO(), io.StringIO()
    for stream, event in ((first, "one"), (second, "two")):
        monkeypatch.setattr(sys, "stdout", stream)
        get_logger().info(event)
    assert ("one" in first.getvalue(), "two" in first.getvalue(), "two" in second.getvalue()) == (True, False, True)


def test_without_a_terminal_the_format_is_json(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A service under a supervisor needs no option to be read by machines; a person at a terminal none either."""
    configure_logging("s")
    get_logger().info("x")
    assert capsys.readouterr().out.startswith("{")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    configure_logging("s")
    get_logger().info("x")
    assert "x" in capsys.readouterr().err


def test_a_process_without_streams_can_be_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    """A daemon may have neither stdout nor stderr."""
    for name in ("stdout", "stderr"):
        monkeypatch.setattr(sys, name, None)
    for log_format in (None, "console"):
        configure_logging("s", log_format)
        get_logger().info("lost")


def run(code: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code], text=True, capture_output=True, check=False, timeout=60, **options
    )


def test_logging_works_before_it_is_configured() -> None:
    """A script that sets nothing up sees lines for people on stderr, from info upwards."""
    done = run(
        "from maestro_core_logging import get_logger as g; g('a').debug('no'); g('a').info('Hello', n=1); print('out')"
    )
    assert (done.returncode, done.stdout) == (0, "out\n")
    assert len(done.stderr.splitlines()) == 1
    for part in ("Hello", "n=1", "[a]"):
        assert part in done.stderr


def test_importing_does_nothing() -> None:
    """Import neither writes, nor changes the standard library's logging, nor loads what only the console needs."""
    done = run(
        "import sys, logging, warnings; show = warnings.showwarning; import maestro_core_logging; "
        "assert not logging.getLogger().handlers; assert warnings.showwarning is show; "
        "maestro_core_logging.configure_logging('s', 'json'); assert not {'rich', 'structlog'} & set(sys.modules)"
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(("extra", "is_colourful"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)])
def test_colours_are_for_terminals_that_want_them(extra: dict[str, str], is_colourful: bool) -> None:
    """A terminal gets colours, unless NO_COLOR or a dumb terminal says otherwise."""
    ours, theirs = pty.openpty()
    code = "from maestro_core_logging import *; configure_logging('s'); get_logger('a').info('Hello', n=1)"
    environ = {
        name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR", "COLORTERM")
    }
    process = subprocess.Popen([sys.executable, "-c", code], stderr=theirs, env={**environ, "TERM": "xterm", **extra})
    try:
        assert process.wait(timeout=60) == 0
        text = os.read(ours, 10_000).decode()
    finally:
        os.close(ours)
        os.close(theirs)
    assert "Hello" in text
    assert ("\x1b[" in text) == is_colourful


def test_nothing_is_lost_when_the_process_is_killed(tmp_path: Path) -> None:
    """A line is with the operating system before the call returns."""
    code = (
        "import os, signal; from maestro_core_logging import *; configure_logging('s', 'json'); "
        "get_logger().info('last words'); os.kill(os.getpid(), signal.SIGKILL)"
    )
    with (tmp_path / "log").open("w") as log:
        done = subprocess.run([sys.executable, "-c", code], stdout=log, check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL
    assert "last words" in (tmp_path / "log").read_text()


def test_a_forked_child_logs_although_a_thread_was_logging() -> None:
    """The lock that another thread held at the fork does not stop the child."""
    code = (
        "import os, threading; from maestro_core_logging import *; from maestro_core_logging._outlet import OUTLET; "
        "configure_logging('s', 'json'); held = threading.Event(); end = threading.Event();\n"
        "def hold():\n  with OUTLET.sink._lock: held.set(); end.wait()\n"
        "thread = threading.Thread(target=hold); thread.start(); held.wait()\n"
        "child = os.fork()\n"
        "if child == 0: get_logger().info('child'); os._exit(0)\n"
        "os.waitpid(child, 0); end.set(); thread.join()"
    )
    done = run(code)
    assert done.returncode == 0
    assert '"child"' in done.stdout


def test_printed_text_comes_before_later_lines() -> None:
    """Lines do not overtake what the process printed before its first line."""
    done = run(
        "from maestro_core_logging import *; configure_logging('s', 'json'); print('first'); get_logger().info('second')"
    )
    assert ["first" in line for line in done.stdout.splitlines()] == [True, False]
