from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from typing import Any

import pytest

from maestro_core_logging import Delivery, configure_logging


def run(code: str) -> subprocess.CompletedProcess[str]:
    code = "from maestro_core_logging import *\n" + code
    return subprocess.run([sys.executable, "-c", code], text=True, capture_output=True, check=False, timeout=60)


def test_what_ends_the_process_is_a_line() -> None:
    """With the exception as data, masked, and no second copy on stderr; the exit status is Python's."""
    done = run("configure_logging('s', 'json')\ndef f(): raise ValueError('password=hunter2')\nf()")
    line = json.loads(done.stdout)
    assert (line["level"], line["event"], line["exception"]["type"]) == ("critical", "Uncaught exception", "ValueError")
    assert (done.returncode, done.stderr, "hunter2" in done.stdout) == (1, "", False)


def test_what_ends_a_thread_is_a_line() -> None:
    """With the thread's name."""
    done = run(
        "import threading; configure_logging('s', 'json')\n"
        "thread = threading.Thread(target=lambda: 1 / 0, name='worker'); thread.start(); thread.join()"
    )
    line = json.loads(done.stdout)
    assert (line["thread"], line["exception"]["type"], done.stderr) == ("worker", "ZeroDivisionError", "")


def test_a_crash_that_cannot_be_logged_is_printed_by_python() -> None:
    """A full disk hides no crash."""
    done = run("configure_logging('s', 'json', stream=open('/dev/full', 'w'))\nraise ValueError('seen')")
    assert "ValueError: seen" in done.stderr


def test_hooks_that_somebody_set_are_called_too() -> None:
    """An error tracker goes on working, and configuring twice does not log twice."""
    done = run(
        "import sys; sys.excepthook = lambda *_: print('tracked')\n"
        "configure_logging('s', 'json'); configure_logging('s', 'json')\nraise ValueError('x')"
    )
    first, second = done.stdout.splitlines()
    assert (json.loads(first)["event"], second) == ("Uncaught exception", "tracked")


def test_hooks_of_the_test_runner_stay(lines: Any) -> None:
    """A thread that fails inside a test is still told to whoever watched before."""
    seen: list[Any] = []
    threading.excepthook = seen.append
    configure_logging("s", "json", stream=lines)
    thread = threading.Thread(target=lambda: 1 / 0)
    thread.start()
    thread.join()
    assert (len(seen), lines.one()["event"]) == (1, "Uncaught exception")


@pytest.mark.parametrize(
    ("before", "options", "expected"),
    [
        ("", "", "handler"),
        ("signal.signal(signal.SIGTERM, signal.SIG_IGN)", "", "ignored"),
        ("", ", delivery=Delivery(flush_on_sigterm=False)", "default"),
    ],
)
def test_sigterm_is_taken_only_when_nobody_else_has_it(before: str, options: str, expected: str) -> None:
    """A service's own handling stays, and it can be declined."""
    done = run(
        f"import signal; {before or 'pass'}\nconfigure_logging('s', 'json'{options})\n"
        "now = signal.getsignal(signal.SIGTERM)\n"
        "print({signal.SIG_DFL: 'default', signal.SIG_IGN: 'ignored'}.get(now, 'handler'))"
    )
    assert done.stdout.split() == [expected]


def test_configuring_in_another_thread_is_possible() -> None:
    """Signals belong to the main thread; the rest works."""
    done = run(
        "import threading; thread = threading.Thread(target=configure_logging, args=('s', 'json')); thread.start(); thread.join()\n"
        "get_logger().info('x')"
    )
    assert json.loads(done.stdout)["event"] == "x"


def test_ways_of_delivery_that_make_no_sense_are_refused() -> None:
    """When they are made."""
    way: Any = "pigeon"
    with pytest.raises(ValueError, match="choose from direct, thread"):
        Delivery(way=way)
    with pytest.raises(ValueError, match="room for one line"):
        Delivery(buffer_lines=0)
    assert signal.getsignal(signal.SIGTERM) is not None
